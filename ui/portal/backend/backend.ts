// What the portal asks of the relay. Two of them exist: relay.ts, and fake.ts, which only test builds carry.
import type {
  DoctorView,
  LedgerVerdict,
  LedgerView,
  PortalMe,
  RecordsView,
  ReplayRequest,
  ReplayView,
  ReportView,
  ReportVisits,
  WriteBackState,
  WriteBacksView,
  WriteBackView,
} from "../../shared/protocol";

/** Why there is no portal: nobody is signed in, whoever is has no role, or another region's relay has the organization. */
export type Refusal = { why: "signed-out" } | { why: "no-role" } | { why: "other-region"; address: string | undefined };

/** Why something asked was not answered. `sign-in-again`: the sign-in is too old for a change, and nothing was done. */
export type Trouble = "refused" | "unreachable" | "sign-in-again";

/** `trouble` tells why there is no `value`. */
export type Answer<T> = { value: T; trouble?: undefined } | { value?: undefined; trouble: Trouble };

/** Days are `2026-11-23`, in the reader's zone; missing ends are open. */
export type Wanted = { state: WriteBackState | ""; from: string; to: string; after?: string };

export type Days = { from: string; to: string };

export interface Backend {
  /** `undefined` where the relay cannot be reached. */
  me(): Promise<PortalMe | Refusal | undefined>;
  doctor(): Promise<Answer<DoctorView>>;
  /** Begins a run, or tells of the one under way. */
  examine(): Promise<Answer<DoctorView>>;
  records(): Promise<Answer<RecordsView>>;
  writeBacks(wanted: Wanted): Promise<Answer<WriteBacksView>>;
  writeBack(id: string): Promise<Answer<WriteBackView>>;
  retry(id: string, absent: boolean): Promise<Answer<unknown>>;
  giveUp(id: string, reason: string): Promise<Answer<unknown>>;
  replay(what: ReplayRequest): Promise<Answer<ReplayView>>;
  ledger(after?: string): Promise<Answer<LedgerView>>;
  verify(): Promise<Answer<LedgerVerdict>>;
  /** Where the ledger can be saved from. */
  ledgerFile(): string;
  report(days: Days): Promise<Answer<ReportView>>;
  visits(days: Days, after?: string): Promise<Answer<ReportVisits>>;
  /** Where the report can be saved from. */
  reportFile(days: Days): string;
}
