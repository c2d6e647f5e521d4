// Scripted days for browser tests and pictures. Never in what ships. People and organizations are invented.
import type { DeviceTest, ParticipantView, Role, StaffRow } from "../../shared/protocol";

const MINUTE = 60_000;

export const departments = {
  cardiology: { id: "20", name: "Cardiology" },
  family: { id: "10", name: "Family medicine" },
};

function day(now: number) {
  const at = (minutes: number) => new Date(now + minutes * MINUTE).toISOString();
  const slot = (minutes: number) => new Date(Math.round((now + minutes * MINUTE) / (5 * MINUTE)) * 5 * MINUTE).toISOString();
  const test = (more: Partial<DeviceTest> = {}): DeviceTest => ({
    at: at(-20),
    camera: "good",
    microphone: "good",
    speaker: "good",
    connection: "good",
    ...more,
  });
  const person = (role: Role, more: Partial<ParticipantView> = {}): ParticipantView => ({
    id: role,
    role,
    me: false,
    presence: "absent",
    chart: { state: "nothing" },
    ...more,
  });
  const row = (id: string, minutes: number, more: Partial<StaffRow> = {}): StaffRow => ({
    id,
    stage: "planned",
    start: slot(minutes),
    end: slot(minutes + 30),
    clinicians: ["Dr. Rivera"],
    department: departments.cardiology,
    urgency: "none",
    closing: false,
    participants: [person("patient"), person("practitioner")],
    messages: [],
    ...more,
  });
  const waits = (minutes: number, more: Partial<ParticipantView> = {}): Partial<StaffRow> => ({
    stage: "arrived",
    arrived_at: at(-minutes),
    participants: [
      person("patient", { presence: "waiting", since: at(-minutes), source: "visit-page", test: test(), ...more }),
      person("practitioner"),
    ],
  });
  return { at, test, person, row, waits };
}

function morning(now: number): StaffRow[] {
  const { at, test, person, row, waits } = day(now);
  return [
    row("help", 5, { ...waits(4, { help_since: at(-1), test: test({ microphone: "missing", connection: "weak" }) }), urgency: "help" }),
    row("unlinked", -5, { ...waits(14), clinicians: ["Dr. Okafor"], department: departments.family, urgency: "unlinked" }),
    row("unanswered", 0, { ...waits(7), clinicians: ["Dr. Lindqvist"], urgency: "unanswered" }),
    row("in-visit", -15, {
      stage: "in-progress",
      participants: [
        person("patient", { presence: "connected", since: at(-9), source: "roster" }),
        person("practitioner", { presence: "connected", since: at(-9), source: "roster" }),
        person("interpreter", { presence: "connected", since: at(-8), source: "roster" }),
      ],
    }),
    row("ready", 10, {
      ...waits(2),
      clinicians: ["Dr. Okafor"],
      department: departments.family,
      messages: [{ id: "m1", at: at(-1), preset: "almost-ready", answers: ["ok"], answered: "ok" }],
    }),
    row("roomed", 15, { ...waits(1), stage: "triaged", roomed_at: at(0), late_until: at(12) }),
    row("later", 60, { participants: [person("patient", { test: test({ camera: "refused" }) }), person("practitioner")] }),
    row("no-department", 75, { clinicians: [], department: undefined }),
    row("done", -90, {
      stage: "finished",
      participants: [person("patient", { presence: "disconnected" }), person("practitioner", { presence: "disconnected" })],
    }),
    row("left", -40, {
      stage: "noshow",
      participants: [person("patient", { presence: "disconnected", left_unseen_after: 900 }), person("practitioner")],
    }),
  ];
}

export const scenarios: Record<string, (now: number) => StaffRow[]> = {
  morning,
  onlooker: morning,
  offline: morning,
  quiet: () => [],
  "one-more": (now) => [...morning(now), day(now).row("new", 20, { ...day(now).waits(0), clinicians: ["Dr. Okafor"] })],
};
