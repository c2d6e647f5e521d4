// A visit in words: every wire value has some, and nothing is said that was not seen.
import { expect, test } from "vitest";
import type { ParticipantView, Presence, WitnessSource } from "../protocol";
import { alertWord, chartWord, listOf, namesOf, peopleInSentence, presenceWord, roleInSentence, timelineWord } from "./visit";

const person = (presence: Presence, source?: WitnessSource, more: Partial<ParticipantView> = {}): ParticipantView => ({
  id: "1",
  role: "patient",
  me: false,
  presence,
  chart: { state: "nothing" },
  ...(source ? { source } : {}),
  ...more,
});

test("where somebody is, as far as the witness goes", () => {
  expect(presenceWord(person("absent"))).toBe("Not here yet");
  expect(presenceWord(person("waiting", "visit-page"))).toBe("Ready and waiting");
  expect(presenceWord(person("waiting", "roster"))).toBe("In the lobby");
  expect(presenceWord(person("connected", "roster"))).toBe("In the meeting");
  expect(presenceWord(person("absent", undefined, { role: "practitioner", me: true }))).toBe("Not in the meeting yet");
});

test("roles inside a sentence", () => {
  expect(listOf([])).toBe("");
  expect(listOf(["the patient"])).toBe("the patient");
  expect(listOf([roleInSentence("patient"), roleInSentence("unattributed"), roleInSentence("practitioner", true)])).toBe(
    "the patient, an unknown guest and you",
  );
});

test("several of one role inside a sentence are counted", () => {
  const people = (...roles: Parameters<typeof roleInSentence>[0][]) => roles.map((role) => ({ role, me: false }));
  expect(peopleInSentence([])).toBe("");
  expect(peopleInSentence(people("patient"))).toBe("the patient");
  expect(peopleInSentence([...people("patient", "unattributed", "patient"), { role: "practitioner", me: true }])).toBe(
    "2 patients, an unknown guest and you",
  );
  expect(peopleInSentence([{ role: "practitioner", me: true }, ...people("practitioner", "practitioner")])).toBe("you and 2 clinicians");
});

test("an alert in the window has the notification's word for whom it is about", () => {
  const words = (["patient", "proxy", "practitioner", "colleague", "interpreter"] as const).map((role) => alertWord(role));
  expect(words).toEqual(["Patient", "Patient\u2019s proxy", "Colleague", "Colleague", "Interpreter"]);
});

test("whom a clinician calls is the patient, where there is one", () => {
  const entry = { at: "2026-11-23T09:31:00Z", what: "called", role: "practitioner", source: "companion" } as const;
  expect(timelineWord(entry)).toBe("Patient called into the meeting");
  expect(timelineWord(entry, false)).toBe("Colleague called into the meeting");
});

test("people of one role are numbered, not named", () => {
  const people = (["patient", "interpreter", "patient"] as const).map((role, at) => ({ id: `p${at}`, role }));
  expect(namesOf(people)).toEqual([["p0", "Patient 1"], ["p1", "Interpreter"], ["p2", "Patient 2"]]);
});

test("the chart, in the words of LOOK", () => {
  expect(chartWord({ state: "written", at: "2026-11-23T09:31:00Z" })).toMatch(/^In the chart since \d\d:\d\d$/);
  expect(chartWord({ state: "pending", since: "2026-11-23T09:31:00Z" })).toMatch(/^Waiting for the chart since/);
  expect(chartWord({ state: "nothing" })).toBe("");
});

test("every word of the timeline's closed list has a sentence", () => {
  const at = "2026-11-23T09:31:00Z";
  for (const what of [
    "ready", "waiting", "connected", "disconnected", "called", "covering", "ended", "undone", "meeting-created", "roomed",
    "left-unseen", "invited", "revoked", "assigned", "running-late", "message", "answered", "help", "help-taken", "cancelled",
  ]) {
    const words = timelineWord({ at, what, role: "patient", source: "roster" });
    expect(words).not.toContain(`: ${what}`);
  }
  expect(timelineWord({ at, what: "of-a-later-relay", source: "relay" })).toBe("Visit: of-a-later-relay");
});
