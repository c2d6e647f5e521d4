// The in-page backend of the test builds: `?scenario=morning` and so on. What ships never imports it (see main.ts).
import type { LateRequest, SayRequest, StaffMe, StaffRow } from "../../shared/protocol";
import type { Backend, Hearer, Outcome } from "./backend";
import { departments, scenarios } from "./scenarios";

export class Fake implements Backend {
  readonly #name: string;
  #rows: StaffRow[];
  #hearer: Hearer | undefined;
  #next = 1;

  constructor(name: string) {
    this.#name = name;
    this.#rows = (scenarios[name] ?? scenarios["morning"]!)(Date.now());
  }

  begin(hearer: Hearer): void {
    this.#hearer = hearer;
    if (this.#name === "signed-out" || this.#name === "no-role") return hearer.refused(this.#name);
    const me: StaffMe = {
      organization: "Northside Health",
      display_name: "Robin Ames",
      departments: [departments.cardiology, departments.family],
      may_act: this.#name !== "onlooker",
      waiting: { long_seconds: 300, too_long_seconds: 720 },
    };
    hearer.me(me);
    hearer.connection(this.#name === "offline" ? "reconnecting" : "live");
    this.#tell();
    // Tests move the day on as the relay would; what is asked can be read by them.
    Object.assign(window, { moveTo: (name: string) => ((this.#rows = scenarios[name]!(Date.now())), this.#tell()), asked: [] });
  }

  room(visit: string): Promise<Outcome> {
    return this.#change(["room", visit], visit, (row) => ({ ...row, stage: "triaged", roomed_at: new Date().toISOString() }));
  }

  help(visit: string): Promise<Outcome> {
    return this.#change(["help", visit], visit, (row) => ({
      ...row,
      urgency: "none",
      participants: row.participants.map(({ help_since: _taken, ...one }) => one),
    }));
  }

  say(visit: string, what: SayRequest): Promise<Outcome> {
    const message = { id: `said-${this.#next++}`, at: new Date().toISOString(), preset: what.preset, answers: [] };
    return this.#change(["say", visit, what], visit, (row) => ({ ...row, messages: [...row.messages, message] }));
  }

  late(what: LateRequest): Promise<Outcome> {
    const until = new Date(Date.now() + what.minutes * 60_000).toISOString();
    return this.#change(["late", what], what.visits, (row) => ({ ...row, late_until: until }));
  }

  async #change(asked: unknown[], visits: string | string[], how: (row: StaffRow) => StaffRow): Promise<Outcome> {
    if (this.#name === "offline") return "unreachable";
    (window as unknown as { asked: unknown[] }).asked.push(asked);
    this.#rows = this.#rows.map((row) => (visits.includes(row.id) ? how(row) : row));
    this.#tell();
    return "accepted";
  }

  #tell(): void {
    this.#hearer?.view({ now: new Date().toISOString(), rows: this.#rows });
  }
}
