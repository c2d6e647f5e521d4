// The device test without a visit: nothing is asked of the relay but its probe, and nothing is kept or told.
import type { Backend, Hearer, Opening, Outcome } from "./backend";
import { probe, type Line } from "./probe";

/** The address of the test page is an organization's: `/o/{organization}/test`. */
export function isPractice(path: string): boolean {
  return /^\/o\/[^/]+\/test\/?$/.test(path);
}

export class Practice implements Backend {
  readonly #probe: () => Promise<Line>;

  constructor(asked = () => probe(`${import.meta.env.BASE_URL}api/probe`)) {
    this.#probe = asked;
  }

  begin(hearer: Hearer): void {
    hearer.connection("live");
  }

  probe(): Promise<Line> {
    return this.#probe();
  }

  look(): void {}
  report(): void {}

  // No screen of the test has a button for these.
  ready = none;
  leave = none;
  help = none;
  answer = none;
  takeOver = none;

  async openMeeting(): Promise<Opening> {
    return "no-address";
  }
}

async function none(): Promise<Outcome> {
  return "not-now";
}
