// Which screen the patient sees: pure, from the relay's view and what this page remembers. Leaves out the browser, the
// network and the clock. The relay's stage always wins; the page only decides where in the preparation somebody stands.
import type { PatientView } from "../shared/protocol/PatientView";

/** What survives a reload. `handed-over`: this page has opened the meeting, so it must not open it again by itself. */
export type Step = "place" | "devices" | "ready" | "handed-over";

export interface Local {
  step: Step;
  /** Camera and sound are being tested again, from a screen after the test. Not kept over a reload. */
  testing: boolean;
  /** The patient stopped the countdown; the button stays. Not kept over a reload. */
  held: boolean;
}

export type Screen =
  | "connecting"
  | "gone"
  | "place"
  | "devices"
  | "too-early"
  | "ready"
  | "waiting"
  | "called"
  | "in-meeting"
  | "ended"
  | "cancelled";

export type Press = "start" | "devices-done" | "test-again" | "hold" | "handed-over";

export const atFirst: Local = { step: "place", testing: false, held: false };

export const steps: readonly Step[] = ["place", "devices", "ready", "handed-over"];

/** The screen for what the relay last said. `gone`: the relay no longer knows this page's session. */
export function screenOf(view: PatientView | undefined, gone: boolean, local: Local): Screen {
  if (gone) return "gone";
  if (!view) return "connecting";
  switch (view.stage) {
    case "ended":
    case "cancelled":
    case "in-meeting":
      return view.stage;
    case "called":
      return local.step === "handed-over" ? "in-meeting" : "called";
    case "waiting":
      return local.testing ? "devices" : "waiting";
    case "too-early":
    case "can-be-ready":
      if (local.step === "place") return "place";
      if (local.step === "devices" || local.testing) return "devices";
      return view.stage === "too-early" ? "too-early" : "ready";
  }
}

/** What a button does to what the page remembers. */
export function press(local: Local, button: Press): Local {
  switch (button) {
    case "start":
      return { ...local, step: "devices" };
    case "devices-done":
      return { ...local, step: local.step === "devices" ? "ready" : local.step, testing: false };
    case "test-again":
      return { ...local, testing: true };
    case "hold":
      return { ...local, held: true };
    case "handed-over":
      return { ...local, step: "handed-over", testing: false };
  }
}

/** What a new view does to what the page remembers. */
export function settle(local: Local, view: PatientView): Local {
  switch (view.stage) {
    case "called":
    case "in-meeting":
      return local.testing ? { ...local, testing: false } : local;
    case "waiting":
      // Called again later counts down again, and a reload after this comes back to the waiting screen either way.
      return { ...local, step: "ready", held: false };
    default:
      return { ...local, step: local.step === "handed-over" ? "ready" : local.step, held: false };
  }
}

/** Which of the four dots is now; 0 where there is no way ahead to show. */
export function dotOf(screen: Screen): 0 | 1 | 2 | 3 | 4 {
  switch (screen) {
    case "place":
      return 1;
    case "devices":
      return 2;
    case "ready":
    case "too-early":
      return 3;
    case "waiting":
    case "called":
    case "in-meeting":
      return 4;
    default:
      return 0;
  }
}

/** Screens on which the camera may run. Everywhere else it is let go at once, so that Teams finds it free. */
export function mayUseDevices(screen: Screen): boolean {
  return screen === "devices" || screen === "ready" || screen === "too-early" || screen === "waiting";
}

/** Screens that must not fall asleep: a dark phone misses the call. */
export function mustStayAwake(screen: Screen): boolean {
  return screen === "waiting" || screen === "called";
}
