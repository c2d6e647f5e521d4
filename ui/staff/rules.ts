// What the staff page shows, decided from the rows alone: who waits, what wants somebody, what can be pressed. Pure.
import type { IconName } from "../shared/icons";
import type { ParticipantView, StaffRow } from "../shared/protocol";

export function isOver(row: StaffRow): boolean {
  return !row.closing && ["finished", "noshow", "cancelled"].includes(row.stage);
}

/** Who is waited for: the patient and who acts for them. */
function awaited(row: StaffRow): ParticipantView[] {
  return row.participants.filter((one) => one.role === "patient" || one.role === "proxy");
}

/** Since when somebody waits to be seen; nothing when nobody does. */
export function waitingSince(row: StaffRow): string | undefined {
  if (isOver(row) || row.closing) return undefined;
  // Their own stay: who left and came back, or came late to a group, has not waited since the first arrival.
  return awaited(row).flatMap((one) => (one.presence === "waiting" && one.since ? [one.since] : [])).sort()[0];
}

export type StateWord = { word: string; icon: IconName; tone: "neutral" | "ready" | "busy" | "done" };

export function stateOf(row: StaffRow): StateWord {
  if (row.closing) return { word: "Ending", icon: "leave", tone: "busy" };
  if (row.stage === "cancelled") return { word: "Called off", icon: "close", tone: "done" };
  if (row.stage === "noshow") return { word: "No-show", icon: "absent", tone: "done" };
  if (row.stage === "finished") return { word: "Finished", icon: "check", tone: "done" };
  if (row.stage === "in-progress") return { word: "In visit", icon: "video", tone: "busy" };
  const people = awaited(row);
  const waiting = people.filter((one) => one.presence === "waiting");
  if (waiting.length > 0) {
    const who = waiting.length > 1 ? `${waiting.length} ready` : waiting[0]?.role === "proxy" ? "Proxy ready" : "Patient ready";
    return { word: row.roomed_at ? `${who}, roomed` : who, icon: row.roomed_at ? "door" : "bell", tone: "ready" };
  }
  if (people.some((one) => one.presence === "connected")) return { word: "In the meeting", icon: "video", tone: "busy" };
  if (people.some((one) => one.left_unseen_after !== undefined)) return { word: "Left unseen", icon: "leave", tone: "neutral" };
  if (people.some((one) => one.presence === "disconnected")) return { word: "Patient left", icon: "leave", tone: "neutral" };
  return { word: "Planned", icon: "calendar", tone: "neutral" };
}

/** Why a row stands on top, and what helps; nothing where it does not. */
export function wantOf(row: StaffRow): { word: string; todo: string } | undefined {
  switch (row.urgency) {
    case "help":
      return { word: "Asked for help", todo: "Write to them or call them, then take it on." };
    case "unlinked":
      return { word: "Nobody to tell", todo: "The clinician of this visit has not linked Roomed. Call them." };
    case "unanswered":
      return { word: "No answer", todo: "The clinician was alerted and has not answered. Call them." };
    case "none":
      return row.called_off_at
        ? { word: "Cancelled in the EHR", todo: "Somebody is in the meeting or on the way there, so it goes on until the clinician leaves. If that is a mistake, book it again." }
        : undefined;
    default:
      return { word: "Wants somebody", todo: "A newer version of this page says why. Reload it." };
  }
}

export function mayRoom(row: StaffRow): boolean {
  return waitingSince(row) !== undefined && row.roomed_at === undefined && row.stage !== "in-progress";
}

/** *Running late* is said only about what is still to come or waits. */
export function mayBeLate(row: StaffRow): boolean {
  return !isOver(row) && !row.closing && row.stage !== "in-progress";
}

/** Whom a message may go to: everybody who waits, or one of them. */
export function reachable(row: StaffRow): ParticipantView[] {
  return isOver(row) ? [] : row.participants.filter((one) => one.role !== "practitioner" && one.role !== "unattributed");
}

/** Arrivals that were not in the list before, for whoever cannot see it. */
export function newlyWaiting(before: StaffRow[], now: StaffRow[]): StaffRow[] {
  const is = (row: StaffRow) => waitingSince(row) !== undefined || wantOf(row) !== undefined;
  const name = (row: StaffRow) => row.id + row.urgency + (row.called_off_at ?? "");
  const known = new Set(before.filter(is).map(name));
  return now.filter((row) => is(row) && !known.has(name(row)));
}
