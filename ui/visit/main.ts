// Where the visit page begins. `__FAKE__` is false in what ships, so the scenarios are not even in the bundle.
import "../shared/tokens.css";
import "../shared/base.css";
import "./visit.css";
import { mount } from "svelte";
import type { Backend } from "./backend/backend";
import { isPractice, Practice } from "./backend/practice";
import { Relay } from "./backend/relay";
import { VisitPage } from "./page.svelte";
import Visit from "./Visit.svelte";
import { start } from "./words";

const practice = isPractice(location.pathname) || (__FAKE__ && location.search === "?practice");

async function backend(): Promise<Backend> {
  const name = __FAKE__ ? new URLSearchParams(location.search).get("scenario") : null;
  if (name) return new (await import("./backend/scenario")).Scenario(name);
  return practice ? new Practice() : new Relay();
}

async function begin(target: HTMLElement): Promise<void> {
  const [chosen] = await Promise.all([backend(), start()]);
  const page = new VisitPage(chosen, practice);
  // What the page says while nothing has come yet (index.html) makes way.
  target.replaceChildren();
  mount(Visit, { target, props: { page } });
  page.begin();
}

const target = document.getElementById("page");
// Words that never came: index.html has a sentence in every language for that, which need not wait any longer.
if (target) void begin(target).catch(() => target.classList.add("failed"));
