// The companion's window: connect, draw the first state, say that it is drawn.
import "../shared/tokens.css";
import "../shared/base.css";
import "./companion.css";
import { mount, tick } from "svelte";
import App from "./App.svelte";
import { connect } from "./backend";
import { Session } from "./session.svelte";

const backend = await connect();
const session = new Session(backend);
await session.start();
mount(App, { target: document.getElementById("app")!, props: { session } });
await tick();
// Two frames: the first is laid out, the second is on the screen. Only now may a link change what is shown.
requestAnimationFrame(() =>
  requestAnimationFrame(() => {
    document.documentElement.dataset.ready = "1";
    void backend.pageReady();
  }),
);
