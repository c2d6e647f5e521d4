// The page's one state: who is signed in, which step is open, and what the doctor has said. What one screen alone needs, it
// asks for itself by `Asked`. Rules are in rail.ts, words.ts and the texts.
import type { DoctorView, PortalMe } from "../shared/protocol";
import { waitBefore } from "../shared/reconnect";
import type { Answer, Backend, Refusal, Trouble } from "./backend/backend";
import { addressOf, railOf, stepOf, type Screen } from "./rail";

/** How often a run under way is looked at. */
const LOOK_MS = 1_000;

/** Something that is asked for: what came, why nothing came, and whether it is under way. */
export class Asked<T> {
  value: T | undefined = $state.raw();
  trouble: Trouble | undefined = $state();
  busy = $state(false);
  #turn = 0;

  /** What came before stays until something new comes; only the newest question counts. */
  async ask(question: Promise<Answer<T>>): Promise<T | undefined> {
    const turn = ++this.#turn;
    this.busy = true;
    const answer = await question;
    if (turn !== this.#turn) return undefined;
    this.busy = false;
    this.trouble = answer.trouble;
    if (!answer.trouble) this.value = answer.value;
    return answer.trouble ? undefined : answer.value;
  }
}

export class Desk {
  readonly backend: Backend;
  me: PortalMe | undefined = $state.raw();
  refusal: Refusal | undefined = $state.raw();
  /** The relay could not be reached yet. */
  away = $state(false);
  screen: Screen | undefined = $state();
  /** Somebody chose a step: its heading takes the focus. */
  moved = $state(0);
  /** What is said to whoever cannot see it. */
  said = $state("");
  readonly doctor = new Asked<DoctorView>();
  readonly rail = $derived(railOf(this.me, this.doctor.value));
  #watching = false;

  constructor(backend: Backend) {
    this.backend = backend;
  }

  async begin(): Promise<void> {
    window.addEventListener("popstate", () => this.#show());
    for (let attempt = 0; ; attempt += 1) {
      const me = await this.backend.me();
      if (me && "why" in me) return void (this.refusal = me);
      if (me) {
        this.me = me;
        this.away = false;
        return this.#show();
      }
      this.away = true;
      await new Promise((later) => setTimeout(later, waitBefore(attempt, Math.random())));
    }
  }

  #show(): void {
    if (this.me) this.screen = stepOf(location.search, this.me);
  }

  open(step: Screen): void {
    history.pushState(null, "", location.pathname + addressOf(step, location.search));
    this.#show();
    this.moved += 1;
  }

  /** Puts filters into the address, without a step back for each. */
  keep(filters: Record<string, string>): void {
    const now = new URLSearchParams(location.search);
    for (const [name, value] of Object.entries(filters)) value ? now.set(name, value) : now.delete(name);
    history.replaceState(null, "", `${location.pathname}?${now}`);
  }

  say(what: string): void {
    // The same words twice in a row are said twice.
    this.said = this.said === what ? `${what}\u00a0` : what;
  }

  /** What the doctor said last; and on, while it looks. */
  async lookAtDoctor(): Promise<void> {
    await this.doctor.ask(this.backend.doctor());
    this.#watch();
  }

  async examine(): Promise<void> {
    if (this.doctor.value?.running || this.doctor.busy) return;
    if (await this.doctor.ask(this.backend.examine())) this.say("The doctor has begun.");
    this.#watch();
  }

  #watch(): void {
    if (this.#watching || !this.doctor.value?.running) return;
    this.#watching = true;
    setTimeout(async () => {
      this.#watching = false;
      await this.doctor.ask(this.backend.doctor());
      const { running, report, failed } = this.doctor.value ?? {};
      if (running) return this.#watch();
      const wrong = report?.findings.filter((one) => one.state === "wrong").length ?? 0;
      this.say(failed ? "The doctor could not begin." : wrong === 0 ? "Done. Nothing is wrong." : `Done. ${wrong} wrong.`);
    }, LOOK_MS);
  }
}
