// The in-page backend of the test builds: `?scenario=setup` and so on. What ships never imports it (see main.ts).
import type { DoctorView, PortalMe, ReplayRequest, ReplayView, WriteBackRow } from "../../shared/protocol";
import { dayEnd, dayStart } from "../days";
import type { Answer, Backend, Days, Refusal, Wanted } from "./backend";
import { ledger, me, reader, records, report, reportOf, visits, writeBacks } from "./scenarios";

const PAGE = 4;
const REFUSALS: Record<string, Refusal> = {
  "signed-out": { why: "signed-out" },
  "no-role": { why: "no-role" },
  "other-region": { why: "other-region", address: "https://roomed-amer.example" },
};

export class Fake implements Backend {
  readonly #name: string;
  readonly #asked: unknown[] = [];
  #rows: WriteBackRow[] = writeBacks(Date.now());
  #doctor: DoctorView;
  #left = 0;

  constructor(name: string) {
    this.#name = name;
    const found = name === "setup" ? undefined : reportOf(name === "well" ? "well" : "wrong", Date.now() - 300_000);
    this.#doctor = { now: new Date().toISOString(), failed: false, ...(found && { report: found }) };
    // What was asked can be read by tests.
    Object.assign(window, { asked: this.#asked });
  }

  async me(): Promise<PortalMe | Refusal | undefined> {
    if (this.#name === "away") return undefined;
    return REFUSALS[this.#name] ?? (this.#name === "reader" ? reader : me);
  }

  async doctor(): Promise<Answer<DoctorView>> {
    const { running } = this.#doctor;
    if (!running) return this.#answer(this.#doctor);
    // `stays`: the run is for a picture and does not end.
    if (this.#name !== "stays" && (this.#left -= 1) < 0) {
      this.#doctor = { now: new Date().toISOString(), failed: this.#name === "failed", ...(this.#name !== "failed" && { report: reportOf(this.#name, Date.now()) }) };
    } else {
      this.#doctor = { ...this.#doctor, running: { ...running, done: Math.min(running.total, running.done + 9) } };
    }
    return this.#answer(this.#doctor);
  }

  async examine(): Promise<Answer<DoctorView>> {
    this.#asked.push(["examine"]);
    if (this.#trouble()) return { trouble: this.#trouble()! };
    this.#left = 1;
    this.#doctor = { ...this.#doctor, running: { since: new Date().toISOString(), done: 4, total: 26 } };
    return { value: this.#doctor };
  }

  records = () => this.#answer(records);

  async writeBacks({ state, from, to, after }: Wanted) {
    const [since, until] = [from && dayStart(from), to && dayEnd(to)];
    const fits = this.#rows.filter(
      (row) => (!state || row.state === state) && (!since || row.accepted_at >= since) && (!until || row.accepted_at < until),
    );
    const begin = after ? Number(after) : 0;
    const next = begin + PAGE < fits.length ? { next: String(begin + PAGE) } : {};
    return this.#answer({ rows: fits.slice(begin, begin + PAGE), ...next });
  }

  async writeBack(id: string) {
    const row = this.#rows.find((one) => one.id === id);
    if (!row) return { trouble: "refused" as const };
    return this.#answer({ row, ledger: ledger(Date.now()).filter((one) => one.entry === id).reverse() });
  }

  retry(id: string, absent: boolean) {
    return this.#change(["retry", id, absent], id, { state: "waiting", may_retry: false });
  }

  giveUp(id: string, reason: string) {
    return this.#change(["skip", id, reason], id, { state: "skipped", may_retry: false, may_skip: false, reason });
  }

  async replay(what: ReplayRequest): Promise<Answer<ReplayView>> {
    this.#asked.push(["replay", what]);
    if (this.#trouble()) return { trouble: this.#trouble()! };
    const plan = { again: 12, destroyed: 3, superseded: 5, events: 4, undelivered: 2 };
    return { value: what.expected === plan.again ? { ...plan, done: 12 } : plan };
  }

  async ledger(after?: string) {
    const all = ledger(Date.now());
    return this.#answer(after ? { rows: all.slice(PAGE) } : { rows: all.slice(0, PAGE), next: "3" });
  }

  verify() {
    this.#asked.push(["verify"]);
    const fault = "record 5 was changed after it was written: its link does not match its columns";
    const head = "6e0f0f4d1c2b7a9954c1d3b8e2aa17f05b6c9d8e7f60a1b2c3d4e5f60718293a";
    return this.#answer(this.#name === "broken" ? { good: false, records: 4, head: "", fault } : { good: true, records: 7, head });
  }

  ledgerFile = () => "api/ledger/export";
  report = ({ from, to }: Days) => this.#answer(this.#name === "quiet" ? { ...report(from, to), hours: [] } : report(from, to));
  reportFile = ({ from, to }: Days) => `api/report.csv?from=${from}&to=${to}`;

  async visits(_days: Days, after?: string) {
    const all = this.#name === "quiet" ? [] : visits(Date.now());
    return this.#answer(after ? { rows: all.slice(3) } : { rows: all.slice(0, 3), ...(all.length > 3 && { next: "3" }) });
  }

  #trouble() {
    return this.#name === "offline" ? ("unreachable" as const) : this.#name === "old-sign-in" ? ("sign-in-again" as const) : undefined;
  }

  async #answer<T>(value: T): Promise<Answer<T>> {
    return this.#name === "offline" ? { trouble: "unreachable" } : { value };
  }

  async #change(asked: unknown[], id: string, change: Partial<WriteBackRow>): Promise<Answer<unknown>> {
    this.#asked.push(asked);
    if (this.#trouble()) return { trouble: this.#trouble()! };
    this.#rows = this.#rows.map((row) => (row.id === id ? { ...row, ...change } : row));
    return { value: null };
  }
}
