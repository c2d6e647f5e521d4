// The page's one clock: a second hand that runs only while something on the screen reads it and the page is visible,
// so that an idle window costs no wake-ups. `at()` is the workstation's time in milliseconds.
import { createSubscriber } from "svelte/reactivity";

let now = $state(Date.now());

const subscribe = createSubscriber(() => {
  now = Date.now();
  const tick = () => {
    if (!document.hidden) now = Date.now();
  };
  const timer = setInterval(tick, 1000);
  document.addEventListener("visibilitychange", tick);
  return () => {
    clearInterval(timer);
    document.removeEventListener("visibilitychange", tick);
  };
});

export const ticker = {
  at(): number {
    subscribe();
    return now;
  },
};
