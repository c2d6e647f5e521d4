// The one way the page tests wait: for a condition, with a deadline. No test sleeps for a while and hopes.
import { setTimeout as pause } from "node:timers/promises";

const LOOK_EVERY_MS = 25;

/** Resolves with the first truthy answer of `look`; fails with `what` after `deadline` milliseconds. */
export async function until(what, look, deadline = 45_000) {
  const end = performance.now() + deadline;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (performance.now() > end) throw new Error(`never happened: ${what}`);
    await pause(LOOK_EVERY_MS);
  }
}
