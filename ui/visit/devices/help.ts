// A refusal in words: what happened, and what to do in the browser at hand. Pure.
import type { Words } from "../words";
import { browserOf, type Refusal } from "./refusal";

export function helpOf({ what, why }: Refusal, { refused }: Words, agent: string): { said: string; how: string } {
  const how = why === "blocked" ? refused.blockedHow[browserOf(agent)] : refused[`${why}How`];
  return { said: refused[why](refused.what[what]), how };
}
