// The in-page backend of the test builds: `?scenario=waiting` and so on. What ships never imports it (see main.ts).
import type { Backend, Hearer, Opening, Outcome } from "./backend";
import type { MessageView, PatientView, PresetAnswer } from "../../shared/protocol";
import type { Line } from "./probe";
import { viewOf } from "./view";

const MINUTE = 60_000;
const at = (ms: number) => new Date(Date.now() + ms).toISOString();
const JOIN = "https://teams.example/webrtc-svc/api/route";
const waiting = () => ({ stage: "waiting", since: at(-194_000), told: "clinician" });
const message = (id: string, more: Partial<MessageView>): MessageView => ({ id, at: at(0), preset: "almost-ready", answers: ["ok"], ...more });

const TEXTS = {
  en: {
    notice: "Northside Health does not record video visits.\nQuestions about your privacy? Ask at the front desk.",
    consent: "I agree to be seen by video. I know that I can ask for a visit in person instead, at any time.",
  },
  es: { notice: "Northside Health no graba las visitas por video.", consent: "Acepto que me atiendan por video." },
  ar: { notice: "لا تسجّل Northside Health زيارات الفيديو.", consent: "أوافق على الزيارة عبر الفيديو." },
};

const stages: Record<string, () => object> = {
  "too-early": () => ({ stage: "too-early", opens_at: at(24 * MINUTE) }),
  "can-be-ready": () => ({ stage: "can-be-ready" }),
  waiting,
  "waiting-not-told": () => ({ stage: "waiting", since: at(-47_000), told: "nobody" }),
  late: () => ({ ...waiting(), late_until: at(12 * MINUTE) }),
  "late-past": () => ({ ...waiting(), late_until: at(-MINUTE) }),
  messages: () => ({
    ...waiting(),
    messages: [
      message("1", { preset: "running-late", minutes: 10, answers: ["can-wait", "cannot-wait"], answered: "can-wait" }),
      message("2", { preset: "check-sound", answers: ["done", "need-help"] }),
    ],
  }),
  helped: () => ({ ...waiting(), help_since: at(-20_000) }),
  interpreter: () => ({ stage: "can-be-ready", role: "interpreter", clinician: "Dr. Rivera" }),
  "interpreter-waiting": () => ({ stage: "waiting", since: at(-30_000), told: "nobody", role: "interpreter" }),
  proxy: () => ({ stage: "can-be-ready", role: "proxy", clinician: "Dr. Rivera" }),
  texts: () => ({ stage: "can-be-ready", texts: TEXTS }),
  "another-device": () => ({ stage: "another-device" }),
  called: () => ({ stage: "called", join_url: JOIN }),
  group: () => ({ stage: "called", join_url: JOIN, group: true }),
  "in-meeting": () => ({ stage: "in-meeting", join_url: JOIN }),
  ended: () => ({ stage: "ended" }),
  cancelled: () => ({ stage: "cancelled" }),
  offline: waiting,
};

export class Scenario implements Backend {
  readonly #name: string;
  #stage: object;
  #hearer: Hearer | undefined;
  /** `?line=weak`: what the probe finds. */
  readonly #line = (new URLSearchParams(location.search).get("line") ?? "good") as Line;

  constructor(name: string) {
    this.#name = name;
    this.#stage = (stages[name] ?? stages["can-be-ready"]!)();
  }

  begin(hearer: Hearer): void {
    this.#hearer = hearer;
    if (this.#name === "connecting") return;
    if (this.#name === "gone") return hearer.gone();
    this.look();
    hearer.connection(this.#name === "offline" ? "reconnecting" : "live");
    // Tests move the visit on as the relay would.
    Object.assign(window, { moveTo: (name: string) => this.#become(stages[name]!()), reports: [] });
  }

  look(): void {
    this.#hearer?.view(this.#view());
  }

  ready(): Promise<Outcome> {
    return this.#become({ stage: "waiting", since: at(0), told: "clinician" });
  }

  leave(): Promise<Outcome> {
    return this.#become({ stage: "can-be-ready" });
  }

  help(): Promise<Outcome> {
    return this.#become({ ...this.#stage, help_since: at(0) });
  }

  answer(id: string, answered: PresetAnswer): Promise<Outcome> {
    const messages = this.#view().messages.map((one) => (one.id === id ? { ...one, answered } : one));
    return this.#become({ ...this.#stage, messages });
  }

  takeOver(): Promise<Outcome> {
    return this.#become(waiting());
  }

  report(report: object): void {
    (window as unknown as { reports?: object[] }).reports?.push(report);
  }

  async probe(): Promise<Line> {
    return this.#line;
  }

  async openMeeting(joinUrl: string, leaving: () => void): Promise<Opening> {
    leaving();
    document.documentElement.dataset.opened = joinUrl;
    return "opened";
  }

  async #become(stage: object): Promise<Outcome> {
    this.#stage = stage;
    this.look();
    return "accepted";
  }

  #view(): PatientView {
    return viewOf({ organization: "Northside Health", start: at(9 * MINUTE), now: at(0), ...this.#stage })!;
  }
}
