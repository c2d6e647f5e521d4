// Where the portal begins. `__FAKE__` is false in what ships, so the scenarios are not even in the bundle.
import "../shared/tokens.css";
import "../shared/base.css";
import "./portal.css";
import { mount } from "svelte";
import type { Backend } from "./backend/backend";
import { Relay } from "./backend/relay";
import { Desk } from "./desk.svelte";
import Portal from "./Portal.svelte";

async function backend(): Promise<Backend> {
  const name = __FAKE__ ? new URLSearchParams(location.search).get("scenario") : null;
  return name ? new (await import("./backend/fake")).Fake(name) : new Relay();
}

const target = document.getElementById("app");
if (target) {
  const desk = new Desk(await backend());
  mount(Portal, { target, props: { desk } });
  void desk.begin();
}
