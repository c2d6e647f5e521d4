// Where the visit page begins. `__FAKE__` is false in what ships, so the scenarios are not even in the bundle.
import "../shared/tokens.css";
import "../shared/base.css";
import "./visit.css";
import { mount } from "svelte";
import type { Backend } from "./backend/backend";
import { Relay } from "./backend/relay";
import { VisitPage } from "./page.svelte";
import Visit from "./Visit.svelte";

async function backend(): Promise<Backend> {
  const name = __FAKE__ ? new URLSearchParams(location.search).get("scenario") : null;
  if (!name) return new Relay();
  const { Scenario } = await import("./backend/scenario");
  return new Scenario(name);
}

const target = document.getElementById("page");
if (target) {
  const page = new VisitPage(await backend());
  mount(Visit, { target, props: { page } });
  page.begin();
}
