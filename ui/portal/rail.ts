// The rail: which steps there are, in which group, and how each stands. A step that the relay does not name is not there;
// one that this page does not know yet is left out.
import type { DoctorView, FindingState, PortalMe, StepName, StepState } from "../shared/protocol";
import type { IconName } from "../shared/icons";

export type Screen = Exclude<StepName, "unknown">;

export type Line = { step: Screen; title: string; state: StepState };

/** What each step is called, and where it stands. The order within a group is the relay's. */
export const steps: Record<Screen, { title: string; group: string }> = {
  prerequisites: { title: "Prerequisites", group: "Set up" },
  records: { title: "Integration records", group: "Set up" },
  doctor: { title: "Doctor", group: "Look after" },
  "write-backs": { title: "Write-backs", group: "Look after" },
  ledger: { title: "Ledger", group: "Look after" },
  report: { title: "Usage report", group: "Look after" },
};

/** A mark and a word for each state; nothing where there is nothing to say. */
export const marks: Record<StepState, { icon: IconName; word: string } | undefined> = {
  open: undefined,
  todo: { icon: "square", word: "to do" },
  done: { icon: "success", word: "done" },
  attention: { icon: "warning", word: "needs somebody" },
  waiting: { icon: "clock", word: "waiting" },
  unknown: undefined,
};

/** The groups with their lines. */
export function railOf(me: PortalMe | undefined, doctor: DoctorView | undefined): [string, Line[]][] {
  const groups = new Map<string, Line[]>();
  for (const { step, state } of me?.steps ?? []) {
    if (step === "unknown" || !(step in steps)) continue;
    const { title, group } = steps[step];
    groups.set(group, [...(groups.get(group) ?? []), { step, title, state: seen(step, state, doctor) }]);
  }
  return [...groups];
}

/** What the doctor has found since is newer than what the relay said when the page was opened. */
function seen(step: Screen, state: StepState, doctor: DoctorView | undefined): StepState {
  const findings = doctor?.report?.findings;
  if (!findings || (step !== "doctor" && step !== "prerequisites")) return state;
  const counted = findings.filter((one) => step === "doctor" || one.prerequisite);
  const has = (wanted: FindingState) => counted.some((one) => one.state === wanted);
  return has("wrong") ? "attention" : has("wait") ? "waiting" : step === "doctor" ? "open" : "done";
}

/** The step of the address, if it may be opened; else the first. */
export function stepOf(search: string, me: PortalMe): Screen | undefined {
  const wanted = new URLSearchParams(search).get("step");
  const open = me.steps.map((one) => one.step).filter((step): step is Screen => step in steps);
  return open.find((step) => step === wanted) ?? open[0];
}

/** The address of a step: the organization (and a test's scenario) stays, filters of another step do not. */
export function addressOf(step: Screen, search: string): string {
  const old = new URLSearchParams(search);
  const kept = new URLSearchParams();
  for (const name of ["o", "scenario"]) {
    const value = old.get(name);
    if (value !== null) kept.set(name, value);
  }
  kept.set("step", step);
  return `?${kept}`;
}
