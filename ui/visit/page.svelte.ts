// The page's one state: what the relay last said, what this page remembers, and the presses that change either.
// Rules are in steps.ts; this file carries them out in the browser.
import type { PatientView } from "../shared/protocol/PatientView";
import type { Backend, Connection, ReadyOutcome } from "./backend/backend";
import { offsetOf } from "./clock";
import { Devices } from "./devices/devices.svelte";
import { chime } from "./devices/sound";
import { load, save } from "./remembered";
import { atFirst, mayUseDevices, mustStayAwake, press, screenOf, settle, type Local, type Press } from "./steps";
import { keepAwake } from "./wake-lock";

/** If the browser is still here after this, it stayed: show the way in again. */
const LEAVING_MS = 4_000;

export class VisitPage {
  readonly devices = new Devices();
  readonly #backend: Backend;
  view: PatientView | undefined = $state.raw();
  gone = $state(false);
  connection: Connection = $state("connecting");
  local: Local = $state.raw(atFirst);
  /** Milliseconds the relay is ahead of this device. */
  offset = $state(0);
  /** *I'm ready* is on its way, or how it failed. */
  sending: "no" | "yes" | Exclude<ReadyOutcome, "accepted"> = $state("no");
  leaving = $state(false);
  /** This load goes on where an earlier one was. */
  readonly resumed: boolean;
  /** The relay's link is no web address: nothing the patient can mend. */
  linkRefused = $state(false);
  readonly screen = $derived(screenOf(this.view, this.gone, this.local));

  constructor(backend: Backend) {
    this.#backend = backend;
    const kept = load();
    this.local = { ...atFirst, step: kept.step };
    this.resumed = kept.step !== atFirst.step;
    this.devices.chosen = { camera: kept.camera, microphone: kept.microphone };
  }

  begin(): void {
    this.#backend.begin({
      view: (view) => this.#hear(view),
      connection: (connection) => (this.connection = connection),
      gone: () => (this.gone = true),
    });
  }

  #hear(view: PatientView): void {
    const before = this.screen;
    this.offset = offsetOf(view.now, Date.now());
    this.view = view;
    this.local = settle(this.local, view);
    this.#keep();
    if (this.screen === "called" && before !== "called") {
      chime();
      // Browsers let a page buzz only after a tap.
      if (navigator.userActivation?.hasBeenActive) navigator.vibrate?.([200, 100, 200]);
    }
  }

  /** What each screen allows the device to do; run whenever the screen changes. */
  settleDevice(): void {
    if (!mayUseDevices(this.screen)) this.devices.release();
    keepAwake(mustStayAwake(this.screen));
  }

  press(button: Press): void {
    this.local = press(this.local, button);
    this.#keep();
  }

  look(): void {
    this.#backend.look();
  }

  /** After `gone`: the same address may work again, for example when the portal was opened in another tab. */
  retry(): void {
    window.location.reload();
  }

  async ready(): Promise<void> {
    if (this.sending === "yes") return;
    this.sending = "yes";
    const outcome = await this.#backend.ready();
    this.sending = outcome === "accepted" ? "no" : outcome;
  }

  async openMeeting(): Promise<void> {
    const view = this.view;
    if (this.leaving || !(view?.stage === "called" || view?.stage === "in-meeting")) return;
    this.leaving = true;
    this.linkRefused = false;
    this.devices.release();
    // Kept before leaving: whoever comes back must find the way in, not a second countdown.
    save({ step: "handed-over", ...this.devices.chosen });
    const left = await this.#backend.openMeeting(view.join_url);
    this.linkRefused = !left;
    if (left) await new Promise((done) => setTimeout(done, LEAVING_MS));
    this.press("handed-over");
    this.leaving = false;
  }

  #keep(): void {
    save({ step: this.local.step, ...this.devices.chosen });
  }

  choose(kind: "camera" | "microphone", label: string): void {
    void this.devices.choose(kind, label);
    this.#keep();
  }
}
