// What the page asks of the relay. Two of them exist: relay.ts, and scenario.ts, which only test builds carry.
import type { PatientView } from "../../shared/protocol/PatientView";

/** `live`: the socket stands, so the relay sees this page. `reconnecting`: it does not, and we are trying. */
export type Connection = "connecting" | "live" | "reconnecting";

export interface Hearer {
  view(view: PatientView): void;
  connection(connection: Connection): void;
  /** The relay no longer knows this session: only a new start from the portal helps. */
  gone(): void;
}

/** `not-now`: the relay answered and said no; the fresh view says why. */
export type ReadyOutcome = "accepted" | "not-now" | "unreachable";

export interface Backend {
  /** Begins, and keeps itself connected until `close`. */
  begin(hearer: Hearer): void;
  /** Ask again now: the page woke up, the network is back, or a time has come. */
  look(): void;
  /** The patient pressed *I'm ready*. */
  ready(): Promise<ReadyOutcome>;
  /** Tells the relay, then goes there in this tab, even if the telling fails. False: the link is no web address. */
  openMeeting(joinUrl: string): Promise<boolean>;
}
