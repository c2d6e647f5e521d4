// Where the staff page begins. `__FAKE__` is false in what ships, so the scenarios are not even in the bundle.
import "../shared/tokens.css";
import "../shared/base.css";
import "./staff.css";
import { mount } from "svelte";
import type { Backend } from "./backend/backend";
import { Relay } from "./backend/relay";
import { Board } from "./board.svelte";
import Staff from "./Staff.svelte";

async function backend(): Promise<Backend> {
  const name = __FAKE__ ? new URLSearchParams(location.search).get("scenario") : null;
  return name ? new (await import("./backend/fake")).Fake(name) : new Relay();
}

const target = document.getElementById("app");
if (target) {
  const board = new Board(await backend());
  mount(Staff, { target, props: { board } });
  board.begin();
}
