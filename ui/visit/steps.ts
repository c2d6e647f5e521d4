// Which screen the patient sees: pure, from the relay's view and what this page remembers. Leaves out the browser, the
// network and the clock. The relay's stage always wins; the page only decides where in the preparation somebody stands.
import type { PatientView } from "../shared/protocol";

/** The test, one screen after the other: camera and microphone, a sound to hear, what came of it. */
export type TestStep = "devices" | "speaker" | "checked";

/** What survives a reload. `handed-over`: this page has opened the meeting, so it must not open it again by itself. */
export type Step = "place" | TestStep | "ready" | "left" | "handed-over";

export interface Local {
  step: Step;
  /** A test from a screen after the first one, and how far it is. Not kept over a reload. */
  testing: TestStep | undefined;
  /** The patient stopped the countdown; the button stays. Not kept over a reload. */
  held: boolean;
}

export type Screen =
  | "connecting"
  | "gone"
  | "place"
  | TestStep
  | "too-early"
  | "ready"
  | "waiting"
  | "left"
  | "another-device"
  | "called"
  | "in-meeting"
  | "ended"
  | "cancelled"
  | "practice"
  | "practised";

/** `on`: the next screen of the test, or out of it. */
export type Press = "start" | "on" | "test-again" | "hold" | "handed-over" | "left" | "come-back";

export const atFirst: Local = { step: "place", testing: undefined, held: false };

export const steps: readonly Step[] = ["place", "devices", "speaker", "checked", "ready", "left", "handed-over"];

const tests: readonly TestStep[] = ["devices", "speaker", "checked"];

function testOf(local: Local): TestStep | undefined {
  return local.testing ?? tests.find((test) => test === local.step);
}

/** The screen for what the relay last said. `gone`: the relay no longer knows this page's session. */
export function screenOf(view: PatientView | undefined, gone: boolean, local: Local): Screen {
  if (gone) return "gone";
  if (!view) return "connecting";
  switch (view.stage) {
    case "ended":
    case "cancelled":
    case "in-meeting":
    case "another-device":
      return view.stage;
    case "called":
      return local.step === "handed-over" ? "in-meeting" : "called";
    case "waiting":
      return local.testing ?? "waiting";
    case "too-early":
    case "can-be-ready":
      if (local.step === "place") return "place";
      return testOf(local) ?? (local.step === "left" ? "left" : view.stage === "too-early" ? "too-early" : "ready");
  }
}

/** The screens of the device test without a visit: no relay has a say in them. */
export function practiceScreen(local: Local): Screen {
  return local.step === "place" ? "practice" : (testOf(local) ?? "practised");
}

/** What a button does to what the page remembers. */
export function press(local: Local, button: Press): Local {
  switch (button) {
    case "start":
      return { ...local, step: "devices" };
    case "on":
      return onwards(local);
    case "test-again":
      return tests.some((test) => test === local.step) ? { ...local, step: "devices" } : { ...local, testing: "devices" };
    case "hold":
      return { ...local, held: true };
    case "handed-over":
      return { ...local, step: "handed-over", testing: undefined };
    case "left":
      return { ...local, step: "left", testing: undefined };
    case "come-back":
      return { ...local, step: "ready" };
  }
}

function onwards(local: Local): Local {
  const now = testOf(local);
  const next = now && tests[tests.indexOf(now) + 1];
  if (local.testing) return { ...local, testing: next };
  return { ...local, step: next ?? "ready" };
}

/** What a new view does to what the page remembers. */
export function settle(local: Local, view: PatientView): Local {
  switch (view.stage) {
    case "called":
    case "in-meeting":
    case "another-device":
      return local.testing ? { ...local, testing: undefined } : local;
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
    case "speaker":
    case "checked":
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

const withDevices: readonly Screen[] = ["devices", "speaker", "checked", "ready", "too-early", "waiting"];

/** Screens on which the camera may run. Everywhere else it is let go at once, so that Teams finds it free. */
export function mayUseDevices(screen: Screen): boolean {
  return withDevices.includes(screen);
}

/** Screens that must not fall asleep: a dark phone misses the call. */
export function mustStayAwake(screen: Screen): boolean {
  return screen === "waiting" || screen === "called";
}
