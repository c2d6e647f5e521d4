// What the page says, in the language at hand.
export type { Words } from "./en";
export { speak, speaking, start, words } from "./current.svelte";
export { isolated, languages, type Language } from "./languages";
