// The page's one state: what the relay last said, what this page remembers, and the presses that change either.
// Rules are in steps.ts; this file carries them out in the browser.
import { offsetOf } from "../shared/relay-clock";
import { Asking } from "./asking.svelte";
import type { Backend, Connection } from "./backend/backend";
import type { PatientView, PresetAnswer } from "../shared/protocol";
import { Checks } from "./checks.svelte";
import { chime } from "./devices/sound";
import { load, save, type Remembered } from "./remembered";
import { atFirst, mayUseDevices, mustStayAwake, practiceScreen, press, screenOf, settle, type Local, type Press } from "./steps";
import { keepAwake } from "./wake-lock";

/** If the browser is still here after this, it stayed: show the way in again. */
const LEAVING_MS = 4_000;

export class VisitPage {
  readonly checks: Checks;
  readonly #backend: Backend;
  /** The device test without a visit. */
  readonly practice: boolean;
  view: PatientView | undefined = $state.raw();
  gone = $state(false);
  connection: Connection = $state("connecting");
  local: Local = $state.raw(atFirst);
  /** Milliseconds the relay is ahead of this device. */
  offset = $state(0);
  /** What is on its way to the relay, or how it failed. */
  readonly asking = { ready: new Asking(), leave: new Asking(), help: new Asking(), answer: new Asking(), takeOver: new Asking() };
  /** A message came while nobody looked. */
  unread = $state(false);
  opening = $state(false);
  /** This load goes on where an earlier one was. */
  readonly resumed: boolean;
  /** The relay's link is no web address: nothing the patient can mend. */
  linkRefused = $state(false);
  readonly screen = $derived.by(() =>
    this.practice ? practiceScreen(this.local) : screenOf(this.view, this.gone, this.local),
  );

  constructor(backend: Backend, practice = false) {
    this.#backend = backend;
    this.practice = practice;
    this.checks = new Checks(backend);
    const kept: Remembered = practice ? { step: atFirst.step } : load();
    this.local = { ...atFirst, step: kept.step };
    this.resumed = kept.step !== atFirst.step;
    this.devices.chosen = { camera: kept.camera, microphone: kept.microphone };
  }

  get devices() {
    return this.checks.devices;
  }

  begin(): void {
    this.#backend.begin({
      view: (view) => this.#hear(view),
      connection: (connection) => (this.connection = connection),
      gone: () => (this.gone = true),
    });
    document.addEventListener("visibilitychange", () => (this.unread &&= document.hidden));
  }

  #hear(view: PatientView): void {
    const before = this.screen;
    const spoken = this.view !== undefined && (view.messages.at(-1)?.id ?? "") !== (this.view.messages.at(-1)?.id ?? "");
    this.offset = offsetOf(view.now, Date.now());
    this.view = view;
    this.local = settle(this.local, view);
    this.#keep();
    const called = this.screen === "called" && before !== "called";
    if (spoken) this.unread = document.hidden;
    if (called || spoken) chime();
    // Browsers let a page buzz only after a tap.
    if (called && navigator.userActivation?.hasBeenActive) navigator.vibrate?.([200, 100, 200]);
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

  /** After `gone`: the portal may have been opened in another tab since, and that visit has an address of its own. */
  retry(): void {
    if (this.practice) window.location.reload();
    else window.location.assign(import.meta.env.BASE_URL);
  }

  async ready(): Promise<void> {
    await this.asking.ready.run(() => this.#backend.ready());
  }

  async leave(): Promise<void> {
    if (await this.asking.leave.run(() => this.#backend.leave())) this.press("left");
  }

  async help(): Promise<void> {
    await this.asking.help.run(() => this.#backend.help());
  }

  async answer(message: string, answer: PresetAnswer): Promise<void> {
    await this.asking.answer.run(() => this.#backend.answer(message, answer));
  }

  async takeOver(): Promise<void> {
    await this.asking.takeOver.run(() => this.#backend.takeOver());
  }

  async openMeeting(): Promise<void> {
    const view = this.view;
    if (this.opening || !(view?.stage === "called" || view?.stage === "in-meeting")) return;
    this.opening = true;
    this.linkRefused = false;
    this.devices.release();
    // Kept before leaving: whoever comes back must find the way in, not a second countdown.
    const leaving = () => save({ step: "handed-over", ...this.devices.chosen });
    const opening = await this.#backend.openMeeting(view.join_url, leaving);
    this.linkRefused = opening === "no-address";
    if (opening === "opened") await new Promise((done) => setTimeout(done, LEAVING_MS));
    if (opening !== "not-now") this.press("handed-over");
    this.opening = false;
  }

  #keep(): void {
    if (!this.practice) save({ step: this.local.step, ...this.devices.chosen });
  }

  choose(kind: "camera" | "microphone", label: string): void {
    void this.devices.choose(kind, label);
    this.#keep();
  }
}
