// The language of the page. English only for now; choosing one by `navigator.languages` belongs here.
import { en, type Words } from "./en";

export type { Words };
export const words: Words = en;
