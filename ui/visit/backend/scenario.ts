// The in-page backend of the test builds: `?scenario=waiting` and so on. What ships never imports it (see main.ts).
import type { PatientView } from "../../shared/protocol/PatientView";
import type { PageStage } from "../../shared/protocol/PageStage";
import type { Backend, Hearer, ReadyOutcome } from "./backend";

const MINUTE = 60_000;
const at = (ms: number) => new Date(Date.now() + ms).toISOString();
const JOIN = "https://teams.example/webrtc-svc/api/route";

const stages: Record<string, () => PageStage> = {
  "too-early": () => ({ stage: "too-early", opens_at: at(24 * MINUTE) }),
  "can-be-ready": () => ({ stage: "can-be-ready" }),
  waiting: () => ({ stage: "waiting", since: at(-194_000), told: "clinician" }),
  "waiting-not-told": () => ({ stage: "waiting", since: at(-47_000), told: "nobody" }),
  called: () => ({ stage: "called", join_url: JOIN }),
  "in-meeting": () => ({ stage: "in-meeting", join_url: JOIN }),
  ended: () => ({ stage: "ended" }),
  cancelled: () => ({ stage: "cancelled" }),
  offline: () => ({ stage: "waiting", since: at(-194_000), told: "clinician" }),
};

export class Scenario implements Backend {
  readonly #name: string;
  #stage: PageStage;
  #hearer: Hearer | undefined;

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
    Object.assign(window, { moveTo: (name: string) => this.#become(stages[name]!()) });
  }

  look(): void {
    this.#hearer?.view(this.#view());
  }

  async ready(): Promise<ReadyOutcome> {
    this.#become({ stage: "waiting", since: at(0), told: "clinician" });
    return "accepted";
  }

  async openMeeting(joinUrl: string): Promise<boolean> {
    document.documentElement.dataset.opened = joinUrl;
    return true;
  }

  #become(stage: PageStage): void {
    this.#stage = stage;
    this.look();
  }

  #view(): PatientView {
    return { organization: "Northside Health", start: at(9 * MINUTE), now: at(0), ...this.#stage };
  }
}
