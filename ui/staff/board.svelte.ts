// The page's one state: what the relay last said, the filters of the address, and the presses. Rules are in rules.ts.
import type { SayRequest, StaffMe, StaffRow, StaffView } from "../shared/protocol";
import { offsetOf } from "../shared/relay-clock";
import { limitsOf } from "../shared/time";
import type { Backend, Connection, Outcome, Refusal } from "./backend/backend";
import { fromAddress, passes, toAddress, type Filters } from "./filters";
import { newlyWaiting, wantOf } from "./rules";

/** The relay takes no more at once. */
const MOST_AT_ONCE = 200;

export class Board {
  readonly #backend: Backend;
  me: StaffMe | undefined = $state.raw();
  view: StaffView | undefined = $state.raw();
  refusal: Refusal | undefined = $state();
  connection: Connection = $state("connecting");
  filters: Filters = $state.raw(fromAddress(location.search));
  /** Milliseconds the relay is ahead of this machine. */
  offset = $state(0);
  /** The visit a press is under way for; `late` for several at once. */
  busy: string | undefined = $state();
  /** The last press that did not get through. */
  problem: Exclude<Outcome, "accepted"> | undefined = $state();
  /** Rows that came to wait since the last list. */
  news: StaffRow[] = $state.raw([]);

  readonly rows = $derived((this.view?.rows ?? []).filter((row) => passes(row, this.filters)));
  readonly limits = $derived(limitsOf(this.me?.waiting));
  /** How many want somebody, whatever the filters hide. */
  readonly wanting = $derived((this.view?.rows ?? []).filter((row) => wantOf(row) !== undefined).length);

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  begin(): void {
    window.addEventListener("popstate", () => (this.filters = fromAddress(location.search)));
    this.#backend.begin({
      me: (me) => (this.me = me),
      view: (view) => this.#hear(view),
      connection: (connection) => (this.connection = connection),
      refused: (refusal) => (this.refusal = refusal),
    });
  }

  #hear(view: StaffView): void {
    // The first list is read from the top; only what comes after is news.
    if (this.view) this.news = newlyWaiting(this.view.rows, view.rows);
    this.offset = offsetOf(view.now, Date.now());
    this.view = view;
  }

  filter(change: Partial<Filters>): void {
    this.filters = { ...this.filters, ...change };
    history.replaceState(null, "", location.pathname + toAddress(this.filters, location.search));
  }

  room(visit: string): Promise<boolean> {
    return this.#press(visit, () => this.#backend.room(visit));
  }

  help(visit: string): Promise<boolean> {
    return this.#press(visit, () => this.#backend.help(visit));
  }

  say(visit: string, what: SayRequest): Promise<boolean> {
    return this.#press(visit, () => this.#backend.say(visit, what));
  }

  late(visits: string[], minutes: number): Promise<boolean> {
    return this.#press(visits.length === 1 ? visits[0]! : "late", () =>
      this.#backend.late({ visits: visits.slice(0, MOST_AT_ONCE), minutes }),
    );
  }

  async #press(what: string, ask: () => Promise<Outcome>): Promise<boolean> {
    if (this.busy) return false;
    this.busy = what;
    const outcome = await ask();
    this.busy = undefined;
    this.problem = outcome === "accepted" ? undefined : outcome;
    return outcome === "accepted";
  }
}
