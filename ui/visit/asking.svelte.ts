// One thing asked of the relay by a press: under way, or how it failed. A second press while it is under way does nothing.
import type { Outcome } from "./backend/backend";

export class Asking {
  state: "idle" | "sending" | Exclude<Outcome, "accepted"> = $state("idle");

  get failed(): boolean {
    return this.state === "not-now" || this.state === "unreachable";
  }

  /** True when the relay has accepted it. */
  async run(ask: () => Promise<Outcome>): Promise<boolean> {
    if (this.state === "sending") return false;
    this.state = "sending";
    const outcome = await ask();
    this.state = outcome === "accepted" ? "idle" : outcome;
    return outcome === "accepted";
  }
}
