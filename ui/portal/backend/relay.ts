// The relay over fetch. Nothing is asked twice by itself: a change that may have arrived is looked at before it is pressed again.
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
  WriteBacksView,
  WriteBackView,
} from "../../shared/protocol";
import { dayEnd, dayStart } from "../days";
import type { Answer, Backend, Days, Refusal, Wanted } from "./backend";

/** Beside the page, wherever the relay serves it. */
const API = `${import.meta.env.BASE_URL}api/`;
/** An answer later than this counts as none. */
const DEADLINE_MS = 15_000;
/** The whole chain of a large organization takes its time. */
const WALK_MS = 120_000;

export class Relay implements Backend {
  async me(): Promise<PortalMe | Refusal | undefined> {
    try {
      const answer = await fetch(`${API}me`, { cache: "no-store", signal: AbortSignal.timeout(DEADLINE_MS) });
      if (answer.status === 401) return { why: "signed-out" };
      if (answer.status === 403) return { why: "no-role" };
      if (answer.status === 421) return { why: "other-region", address: addressOf(await answer.json()) };
      return answer.ok ? ((await answer.json()) as PortalMe) : undefined;
    } catch {
      return undefined;
    }
  }

  doctor = (): Promise<Answer<DoctorView>> => this.#get("doctor");
  examine = (): Promise<Answer<DoctorView>> => this.#post("doctor");
  records = (): Promise<Answer<RecordsView>> => this.#get("records");
  writeBack = (id: string): Promise<Answer<WriteBackView>> => this.#get(`write-backs/${encodeURIComponent(id)}`);
  replay = (what: ReplayRequest): Promise<Answer<ReplayView>> => this.#post("write-backs/replay", what);
  verify = (): Promise<Answer<LedgerVerdict>> => this.#post("ledger/verify", {}, WALK_MS);
  ledgerFile = (): string => `${API}ledger/export`;
  ledger = (after?: string): Promise<Answer<LedgerView>> => this.#get("ledger", { after });
  report = (days: Days): Promise<Answer<ReportView>> => this.#get("report", days);
  visits = (days: Days, after?: string): Promise<Answer<ReportVisits>> => this.#get("report/visits", { ...days, after });
  reportFile = (days: Days): string => `${API}report.csv${query(days)}`;

  writeBacks({ state, from, to, after }: Wanted): Promise<Answer<WriteBacksView>> {
    return this.#get("write-backs", { state, since: from && dayStart(from), until: to && dayEnd(to), after });
  }

  retry(id: string, absent: boolean): Promise<Answer<unknown>> {
    return this.#post(`write-backs/${encodeURIComponent(id)}/retry`, { absent });
  }

  giveUp(id: string, reason: string): Promise<Answer<unknown>> {
    return this.#post(`write-backs/${encodeURIComponent(id)}/skip`, { reason });
  }

  #get<T>(name: string, asked: Record<string, string | undefined> = {}): Promise<Answer<T>> {
    return read(fetch(`${API}${name}${query(asked)}`, { cache: "no-store", signal: AbortSignal.timeout(DEADLINE_MS) }));
  }

  #post<T>(name: string, body: object = {}, deadline = DEADLINE_MS): Promise<Answer<T>> {
    return read(
      fetch(`${API}${name}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(deadline),
      }),
    );
  }
}

async function read<T>(asked: Promise<Response>): Promise<Answer<T>> {
  try {
    const answer = await asked;
    if (answer.status === 401) return { trouble: "sign-in-again" };
    if (answer.status >= 500) return { trouble: "unreachable" };
    if (!answer.ok) return { trouble: "refused" };
    return { value: (answer.status === 204 ? null : await answer.json()) as T };
  } catch {
    return { trouble: "unreachable" };
  }
}

/** Only what is asked for stands in the address. */
function query(asked: Record<string, string | undefined>): string {
  const said = Object.entries(asked).filter((pair): pair is [string, string] => Boolean(pair[1]));
  return said.length > 0 ? `?${new URLSearchParams(said)}` : "";
}

/** The other relay's address, if it is one that may be shown as a link. */
function addressOf(problem: unknown): string | undefined {
  const address = typeof problem === "object" && problem !== null && "address" in problem ? problem.address : undefined;
  return typeof address === "string" && URL.canParse(address) && new URL(address).protocol === "https:" ? address : undefined;
}
