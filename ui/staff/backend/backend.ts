// What the staff page asks of the relay. Two of them exist: relay.ts, and fake.ts, which only test builds carry.
import type { LateRequest, SayRequest, StaffMe, StaffView } from "../../shared/protocol";

export type Connection = "connecting" | "live" | "reconnecting";

/** Why there is no list: nobody is signed in, or whoever is has no role for this page. */
export type Refusal = "signed-out" | "no-role";

export interface Hearer {
  me(me: StaffMe): void;
  view(view: StaffView): void;
  connection(connection: Connection): void;
  refused(refusal: Refusal): void;
}

/** `refused`: the relay answered and said no; the fresh list says why. */
export type Outcome = "accepted" | "refused" | "unreachable";

export interface Backend {
  /** Begins, and keeps itself connected. */
  begin(hearer: Hearer): void;
  /** Marks the patient roomed. */
  room(visit: string): Promise<Outcome>;
  /** Takes the visit's help requests on. */
  help(visit: string): Promise<Outcome>;
  say(visit: string, what: SayRequest): Promise<Outcome>;
  late(what: LateRequest): Promise<Outcome>;
}
