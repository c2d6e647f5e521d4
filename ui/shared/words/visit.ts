// A visit in words: who, where, what happened, who saw it. Roles only; no name can get in here.
import type { IconName } from "../icons";
import type { ChartState, ParticipantView, Presence, Role, TimelineEntry, WitnessSource } from "../protocol";
import { clockTime } from "../time";

const roleWords: Record<Role, string> = {
  patient: "Patient",
  proxy: "Proxy",
  practitioner: "Clinician",
  interpreter: "Interpreter",
  family: "Family",
  colleague: "Guest clinician",
  unattributed: "Unknown guest",
  unknown: "Participant",
};

export const roleIcons: Record<Role, IconName> = {
  patient: "person",
  proxy: "person",
  practitioner: "practitioner",
  interpreter: "speech",
  family: "people",
  colleague: "practitioner",
  unattributed: "question",
  unknown: "person",
};

export function roleWord(role: Role, me = false): string {
  return me ? "You" : roleWords[role];
}

/** People by id and role; numbered where a role is there more than once, because no name may tell them apart. */
export function namesOf(people: Pick<ParticipantView, "id" | "role">[]): [string, string][] {
  return people.map(({ id, role }) => {
    const same = people.filter((one) => one.role === role);
    return [id, same.length > 1 ? `${roleWord(role)} ${same.findIndex((one) => one.id === id) + 1}` : roleWord(role)];
  });
}

/** Somebody inside a sentence: "the patient", "you". */
export function roleInSentence(role: Role, me = false): string {
  if (me) return "you";
  if (role === "unattributed") return "an unknown guest";
  if (role === "family") return "a family member";
  return `the ${roleWords[role].toLowerCase()}`;
}

const several: Record<Role, string> = {
  patient: "patients",
  proxy: "proxies",
  practitioner: "clinicians",
  interpreter: "interpreters",
  family: "family members",
  colleague: "guest clinicians",
  unattributed: "unknown guests",
  unknown: "participants",
};

/** People inside a sentence, by role and how many: "the patient and you", "3 patients, an unknown guest and you". */
export function peopleInSentence(people: Pick<ParticipantView, "role" | "me">[]): string {
  const key = (one: Pick<ParticipantView, "role" | "me">) => (one.me ? "me" : one.role);
  const groups = [...new Set(people.map(key))].map((one) => people.filter((person) => key(person) === one));
  return listOf(
    groups.flatMap(([one, ...more]) => (one === undefined ? [] : more.length === 0 ? [roleInSentence(one.role, one.me)] : [`${more.length + 1} ${several[one.role]}`])),
  );
}

/** Whom an alert is about, as the notification says it (`summary` in the companion's `alerts.rs`). */
export function alertWord(role: Role): string {
  if (role === "practitioner" || role === "colleague") return "Colleague";
  return role === "proxy" ? "Patient\u2019s proxy" : roleWord(role);
}

/** "the patient", "the patient and you", "the patient, an unknown guest and you". */
export function listOf(words: string[]): string {
  if (words.length < 2) return words.join("");
  return `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}

export const sourceWords: Record<WitnessSource, string> = {
  "visit-page": "visit page",
  roster: "Teams",
  ehr: "chart",
  staff: "staff",
  companion: "companion",
  relay: "Roomed",
};

/** A witness inside a sentence: "seen by the visit page". */
export function sourceInSentence(source: WitnessSource): string {
  return ["roster", "staff", "relay"].includes(source) ? sourceWords[source] : `the ${sourceWords[source]}`;
}

export const presenceIcons: Record<Presence, IconName> = {
  absent: "absent",
  waiting: "clock",
  connected: "success",
  disconnected: "leave",
  unclear: "question",
  unknown: "question",
};

export function presenceWord({ presence, source, role, me }: ParticipantView): string {
  switch (presence) {
    case "absent":
      return me ? "Not in the meeting yet" : "Not here yet";
    case "waiting":
      return source === "roster" ? "In the lobby" : role === "patient" || role === "proxy" ? "Ready and waiting" : "Waiting";
    case "connected":
      return "In the meeting";
    case "disconnected":
      return "Left";
    case "unclear":
      return "Went to the meeting, not told apart there";
    case "unknown":
      return "Not known to this version";
  }
}

/** What the chart has been told, as a sentence; empty when there is nothing to say. */
export function chartWord(chart: ChartState): string {
  switch (chart.state) {
    case "nothing":
      return "";
    case "pending":
      return `Waiting for the chart since ${clockTime(chart.since)}`;
    case "written":
      return `In the chart since ${clockTime(chart.at)}`;
    case "unsupported":
      return "Not shown by this EHR";
    case "needs-analyst":
      return "Needs your EHR analyst";
  }
}

export const chartIcons: Record<ChartState["state"], IconName> = {
  nothing: "dot",
  pending: "chart-wait",
  written: "chart",
  unsupported: "chart-none",
  "needs-analyst": "warning",
};

/** One line of the timeline. `what` is a closed list on the relay; a later relay's word is left as it is. `patient` is whom a
 *  clinician calls: there is none in a talk among clinicians. */
export function timelineWord({ what, role }: TimelineEntry, patient = true): string {
  const who = role ? roleWords[role] : "Visit";
  switch (what) {
    case "ready":
      return `${who} ready`;
    case "waiting":
      return `${who} in the lobby`;
    case "connected":
      return `${who} joined the meeting`;
    case "disconnected":
      return `${who} left`;
    case "called":
      return `${role === "practitioner" ? (patient ? "Patient" : "Colleague") : who} called into the meeting`;
    case "covering":
      return "Clinician covers for a colleague";
    case "ended":
      return "Visit ended for all";
    case "undone":
      return "End taken back";
    case "cancelled":
      return "Appointment cancelled in the EHR";
    case "meeting-created":
      return "Meeting made";
    case "roomed":
      return "Roomed by staff";
    case "left-unseen":
      return `${who} left without being seen`;
    case "invited":
      return `${who} invited by link`;
    case "revoked":
      return `${who}: link taken back`;
    case "assigned":
      return "Guest named by the clinician";
    case "running-late":
      return "Running late, said to those who wait";
    case "message":
      return "Message sent";
    case "answered":
      return `${who} answered`;
    case "help":
      return `${who} asked for help`;
    case "help-taken":
      return "Help taken on";
    default:
      return `${who}: ${what}`;
  }
}
