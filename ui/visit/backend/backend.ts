// What the page asks of the relay. Three of them exist: relay.ts, practice.ts (the device test without a visit), and
// scenario.ts, which only test builds carry.
import type { DeviceReport, PatientView, PresetAnswer } from "../../shared/protocol";
import type { Line } from "./probe";

/** `live`: the socket stands, so the relay sees this page. `reconnecting`: it does not, and we are trying. */
export type Connection = "connecting" | "live" | "reconnecting";

export interface Hearer {
  view(view: PatientView): void;
  connection(connection: Connection): void;
  /** The relay no longer knows this session: only a new start from the portal helps. */
  gone(): void;
}

/** `not-now`: the relay answered and said no; the fresh view says why. */
export type Outcome = "accepted" | "not-now" | "unreachable";

/** `not-now`: the relay said no; the fresh view says why. `no-address`: the link is no web address. */
export type Opening = "opened" | "not-now" | "no-address";

export interface Backend {
  /** Begins, and keeps itself connected until `close`. */
  begin(hearer: Hearer): void;
  /** Ask again now: the page woke up, the network is back, or a time has come. */
  look(): void;
  /** The patient pressed *I'm ready*. */
  ready(): Promise<Outcome>;
  /** No longer waiting, by their own word. */
  leave(): Promise<Outcome>;
  /** *I need help*. */
  help(): Promise<Outcome>;
  answer(message: string, answer: PresetAnswer): Promise<Outcome>;
  /** Brings the place from another device to this one. */
  takeOver(): Promise<Outcome>;
  /** What the device test found, when it changed. Said again until the relay has heard it; never an arrival. */
  report(report: DeviceReport): void;
  /** Measures the line to the relay; takes a few seconds and never throws. */
  probe(): Promise<Line>;
  /** Tells the relay and, unless it says that it is not their turn, goes there in this tab. `leaving` is called before. */
  openMeeting(joinUrl: string, leaving: () => void): Promise<Opening>;
}
