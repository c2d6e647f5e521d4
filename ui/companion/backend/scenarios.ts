// Scripted states for browser tests, screenshots and component tests. Never in what ships (see index.ts).
// People and organizations are invented; the times are laid around the `now` that is passed in.
import type { AppState, ChartState, ParticipantView, Presence, Role, VisitView, WitnessSource } from "../../shared/protocol";

const minute = 60_000;

export type Scenario = keyof typeof scenarios;

/** Builders for one moment. */
export function moment(now: number) {
  const at = (minutes: number, seconds = 0) => new Date(now + minutes * minute + seconds * 1000).toISOString();
  /** A planned time: on the five minutes. */
  const slot = (minutes: number) => {
    const five = 5 * minute;
    return new Date(Math.round((now + minutes * minute) / five) * five).toISOString();
  };
  const written = (minutes: number): ChartState => ({ state: "written", at: at(minutes) });
  const person = (
    role: Role,
    presence: Presence,
    more: Partial<ParticipantView> = {},
  ): ParticipantView => ({ id: `${role}-${more.me ? "me" : "1"}`, role, me: false, presence, chart: { state: "nothing" }, ...more });
  const visit = (id: string, start: string, more: Partial<VisitView> = {}): VisitView => ({
    id,
    stage: "planned",
    start,
    end: new Date(Date.parse(start) + 30 * minute).toISOString(),
    proven: false,
    covering: false,
    covered: false,
    acknowledged: false,
    closing: false,
    participants: [person("patient", "absent"), person("practitioner", "absent", { me: true })],
    timeline: [],
    messages: [],
    ...more,
  });
  /** The patient is ready, since so many minutes. */
  const ready = (id: string, start: string, minutes: number, seconds: number, more: Partial<VisitView> = {}): VisitView => {
    const since = at(-minutes, -seconds);
    return visit(id, start, {
      stage: "arrived",
      arrived_at: since,
      participants: [
        person("patient", "waiting", { since, source: "visit-page", chart: { state: "written", at: since } }),
        person("practitioner", "absent", { me: true }),
      ],
      timeline: [{ at: since, role: "patient", what: "ready", source: "visit-page" }],
      ...more,
    });
  };
  const done = (id: string, start: string, chart: ChartState = written(-60)) =>
    visit(id, start, {
      stage: "finished",
      proven: true,
      acknowledged: true,
      participants: [
        person("patient", "disconnected", { source: "roster", chart }),
        person("practitioner", "disconnected", { me: true, source: "roster", chart }),
      ],
    });
  return { now, at, slot, written, person, visit, ready, done };
}

export const signedIn = (): AppState => ({
  organization: "Northside Health",
  me: { name: "Dr. Amara Okafor", initials: "AO" },
  session: "signed-in",
  unsent: 0,
  keychain: "stored",
  connection: { state: "live" },
  clock_offset_ms: 0,
  visits: [],
  joinable: [],
  pending: [],
  cursor: 40,
  notifications: "shown",
  sound: true,
  waiting: { long_seconds: 300, too_long_seconds: 720 },
  sends: [],
});

type Build = (t: ReturnType<typeof moment>) => AppState;

const alertFor = (visit: VisitView, as_delegate = false): AppState["alert"] => ({
  visit: visit.id,
  about: "ready",
  start: visit.start,
  role: "patient",
  proven: visit.proven,
  as_delegate,
  since: visit.arrived_at ?? visit.start,
});

const day: Build = (t) => ({
  ...signedIn(),
  visits: [
    t.visit("v2", t.slot(25)),
    t.visit("v3", t.slot(60)),
    t.visit("v4", t.slot(95)),
    t.done("v0", t.slot(-60)),
  ],
});

const waiting: Build = (t) => {
  const first = t.ready("v1", t.slot(0), 4, 7, { proven: true });
  return { ...day(t), visits: [first, ...day(t).visits], alert: alertFor(first) };
};

const inVisit: Build = (t) => {
  const visit = t.visit("v1", t.slot(-15), {
    stage: "in-progress",
    proven: true,
    acknowledged: true,
    arrived_at: t.at(-14),
    participants: [
      t.person("patient", "connected", { since: t.at(-6), source: "roster", chart: t.written(-14) }),
      t.person("practitioner", "connected", { me: true, since: t.at(-9), source: "roster", chart: t.written(-9) }),
      t.person("unattributed", "waiting", { since: t.at(-1), source: "roster" }),
    ],
    timeline: [
      { at: t.at(-1), role: "unattributed", what: "waiting", source: "roster" },
      { at: t.at(-6), role: "patient", what: "connected", source: "roster" },
      { at: t.at(-8), role: "patient", what: "waiting", source: "roster" },
      { at: t.at(-9), role: "practitioner", what: "called", source: "companion" },
      { at: t.at(-9), role: "practitioner", what: "connected", source: "roster" },
      { at: t.at(-13), what: "meeting-created", source: "relay" },
      { at: t.at(-14), role: "patient", what: "ready", source: "visit-page" },
    ],
  });
  return {
    ...day(t),
    visits: [visit, ...day(t).visits],
    open_visit: "v1",
    patient: { visit: "v1", name: "Camila Maria Lopez", birth_date: "1987-09-12" },
  };
};

/** A visit with everybody in it who can be: a proxy, guests by link, one whom nobody can tell apart. */
const withEverybody = (t: ReturnType<typeof moment>): AppState => {
  const base = inVisit(t);
  const test = { at: t.at(-20), camera: "good", microphone: "weak", speaker: "good", connection: "good" } as const;
  const visit: VisitView = {
    ...base.visits[0]!,
    late_until: t.at(-2),
    roomed_at: t.at(-12),
    messages: [
      { id: "m1", at: t.at(-13), preset: "running-late", minutes: 10, answers: ["can-wait", "cannot-wait"], answered: "can-wait" },
      { id: "m2", at: t.at(-2), preset: "check-sound", to: "interpreter", answers: ["done", "need-help"] },
    ],
    participants: [
      t.person("patient", "unclear", { since: t.at(-6), source: "visit-page", chart: t.written(-14), test }),
      t.person("proxy", "waiting", { since: t.at(-3), source: "visit-page", help_since: t.at(-1) }),
      t.person("practitioner", "connected", { me: true, since: t.at(-9), source: "roster", chart: t.written(-9) }),
      t.person("interpreter", "connected", { since: t.at(-5), source: "roster", invitation: { state: "used" } }),
      t.person("family", "absent", { invitation: { state: "open", expires_at: t.at(95) } }),
      t.person("colleague", "disconnected", { left_unseen_after: 420, invitation: { state: "used" } }),
      t.person("unattributed", "connected", { since: t.at(-1), source: "roster" }),
    ],
  };
  return { ...base, sends: ["email"], visits: [visit, ...base.visits.slice(1)] };
};

const problem = (code: NonNullable<AppState["problem"]>["code"], status: number, detail: string) => ({
  type: "about:blank",
  title: code,
  status,
  code,
  detail,
  who: "clinician" as const,
});

const signedOut = (): AppState => ({
  ...signedIn(),
  me: undefined,
  session: "signed-out",
  connection: { state: "reconnecting" },
});

/** Every scenario by the name that `?scenario=` takes. */
export const scenarios = {
  "signed-out": signedOut,
  "ended-idle": () => ({ ...signedOut(), ended: "idle", keychain: "memory-only" }),
  "ended-another": () => ({ ...signedOut(), ended: "another-ehr-user", keychain: "memory-only" }),
  "signed-out-unsent": () => ({ ...signedOut(), unsent: 1, keychain: "memory-only" }),
  "ended-locked": () => ({ ...signedOut(), ended: "locked", unsent: 2, keychain: "memory-only" }),
  "ended-not-the-same": () => ({ ...signedOut(), ended: "not-the-same", keychain: "memory-only" }),
  "not-yet-known": () => ({ ...signedIn(), connection: { state: "reconnecting" } }),
  "signing-in": () => ({ ...signedOut(), session: "signing-in" }),
  "signed-out-launch": () => ({ ...signedOut(), launching: { step: "signing-in" } }),
  empty: () => signedIn(),
  idle: day,
  waiting,
  "waiting-unproven": (t) => {
    const first = t.ready("v1", t.slot(0), 2, 12);
    return { ...day(t), visits: [first, ...day(t).visits], alert: alertFor(first) };
  },
  opened: (t) => ({
    ...waiting(t),
    open_visit: "v1",
    patient: { visit: "v1", name: "Camila Maria Lopez", birth_date: "1987-09-12" },
  }),
  "in-visit": inVisit,
  "second-patient": (t) => {
    const next = t.ready("v2", t.slot(0), 0, 20);
    const base = inVisit(t);
    return { ...base, visits: [next, ...base.visits.filter((one) => one.id !== "v2")], alert: alertFor(next) };
  },
  people: (t) => withEverybody(t),
  "not-there": (t) => ({ ...signedIn(), sends: ["sms"], visits: [t.visit("v1", t.slot(0), { proven: true })], open_visit: "v1" }),
  "still-in": (t) => {
    const next = t.ready("v2", t.slot(0), 3, 20, { proven: true });
    return { ...inVisit(t), visits: [next, ...inVisit(t).visits.filter((one) => one.id !== "v2")], open_visit: "v2" };
  },
  "pressed-outside": (t) => {
    const next = t.ready("v2", t.slot(0), 3, 20, { proven: true });
    return {
      ...inVisit(t), visits: [next, ...inVisit(t).visits.filter((one) => one.id !== "v2")], open_visit: "v2", confirm_join: "v2",
    };
  },
  "several-wait": (t) => {
    const [first, second] = [t.ready("v1", t.slot(0), 4, 7, { proven: true }), t.ready("v2", t.slot(5), 2, 0, { proven: true })];
    return { ...signedIn(), visits: [first, second] };
  },
  ended: (t) => {
    const base = withEverybody(t);
    return { ...base, visits: base.visits.map((one) => (one.id === "v1" ? { ...one, closing: true, undo_until: t.at(4) } : one)) };
  },
  help: (t) => {
    const since = t.at(-1, -12);
    const visit = t.ready("v1", t.slot(0), 4, 7, { proven: true, acknowledged: true });
    const asks = { ...visit, participants: visit.participants.map((one) => (one.me ? one : { ...one, help_since: since })) };
    return { ...day(t), visits: [asks, ...day(t).visits], alert: { ...alertFor(visit)!, about: "help", since } };
  },
  agenda: (t) => ({
    ...day(t),
    agenda: {
      at: t.at(-3),
      incomplete: true,
      rows: [
        { start: t.slot(25), end: t.slot(55), stage: "planned", who: "patient", visit: "v2" },
        { start: t.slot(130), end: t.slot(160), stage: "planned", who: "group" },
        { start: t.slot(165), end: t.slot(195), stage: "cancelled", who: "colleague" },
      ],
    },
  }),
  offered: (t) => ({ ...day(t), offer: { id: "offer-1", visit: "v7", start: t.slot(0), until: t.at(3) } }),
  muted: (t) => ({ ...waiting(t), notifications: "do-not-disturb" }),
  pending: (t) => ({
    ...waiting(t),
    alert: undefined,
    connection: { state: "offline", since: t.at(-2) },
    heard_at: t.at(0, -42),
    joinable: ["v1"],
    pending: [
      { id: "p1", action: "late", start: t.slot(0), since: t.at(0, -20), state: "waiting" },
      { id: "p2", action: "say", start: t.slot(-60), since: t.at(-2), state: "expired" },
    ],
  }),
  colleague: (t) => {
    const visit = t.visit("v1", t.slot(0), {
      proven: true,
      participants: [
        t.person("practitioner", "absent", { me: true }),
        t.person("colleague", "waiting", { since: t.at(-2), source: "visit-page", invitation: { state: "used" } }),
      ],
    });
    return { ...signedIn(), visits: [visit] };
  },
  closing: (t) => {
    const base = inVisit(t);
    const visits = base.visits.map((one) => (one.id === "v1" ? { ...one, closing: true } : one));
    return { ...base, visits };
  },
  "called-off": (t) => {
    const base = inVisit(t);
    return { ...base, visits: base.visits.map((one) => (one.id === "v1" ? { ...one, called_off_at: t.at(-1) } : one)) };
  },
  removes: (t) => {
    const base = inVisit(t);
    return { ...base, visits: base.visits.map((one) => (one.id === "v1" ? { ...one, ending: "removes" as const } : one)) };
  },
  "not-removed": (t) => {
    const base = inVisit(t);
    const not_removed = { detail: "Grant admin consent for Calls.JoinGroupCall.All.", who: "microsoft-365-admin" as const };
    return { ...base, visits: base.visits.map((one) => (one.id === "v1" ? { ...one, not_removed } : one)) };
  },
  error: (t) => ({
    ...day(t),
    problem: problem("not-virtual", 422, "The appointment's type is not one of the types configured as virtual."),
  }),
  "signed-out-error": () => ({
    ...signedOut(),
    problem: problem("wrong-tenant", 403, "The account is of another tenant than the organization's."),
  }),
  covering: (t) => ({ ...day(t), covering: { start: t.slot(0) } }),
  "first-link": (t) => ({
    ...day(t),
    first_link: { id: 1, account: "Maya Okafor", ehr_user: "Lindqvist, Jonas, MD", sign_in_again: false, signing_in: false },
  }),
  "first-link-shared": (t) => ({ ...day(t), first_link: { id: 1, account: "Maya Okafor", sign_in_again: true, signing_in: false } }),
  "first-link-nameless": (t) => ({ ...day(t), first_link: { id: 1, sign_in_again: true, signing_in: true } }),
  launching: (t) => ({ ...day(t), launching: { step: "asking-ehr" } }),
  keychain: () => ({ ...signedOut(), session: "waiting-for-keychain", keychain: "locked" }),
  "keychain-missing": () => ({ ...signedOut(), keychain: "missing" }),
  "memory-only": (t) => ({ ...day(t), keychain: "locked", notifications: "unavailable" }),
  offline: (t) => ({ ...waiting(t), alert: undefined, connection: { state: "offline", since: t.at(-7) } }),
  reconnecting: (t) => ({ ...day(t), connection: { state: "reconnecting", since: t.at(0, -8) } }),
  delegate: (t) => {
    const visit = t.ready("v9", t.slot(-5), 5, 40, { participants: [
      t.person("patient", "waiting", { since: t.at(-5, -40), source: "visit-page", chart: t.written(-5) }),
      t.person("practitioner", "absent"),
    ] });
    return { ...signedIn(), me: { name: "Jonas Weber", initials: "JW" }, visits: [visit], alert: alertFor(visit, true) };
  },
  "busy-day": (t) => {
    const first = t.ready("v1", t.slot(-10), 13, 5, { proven: true });
    const pending: ChartState = { state: "pending", since: t.at(-3) };
    const second = t.ready("v2", t.slot(-5), 6, 31, { acknowledged: true });
    const third = t.ready("v3", t.slot(5), 1, 2, { acknowledged: true });
    third.participants = third.participants.map((one) => (one.role === "patient" ? { ...one, chart: pending } : one));
    return {
      ...signedIn(),
      organization: "Northside Health, Department of Paediatric Cardiology",
      visits: [
        first,
        second,
        third,
        t.visit("v4", t.slot(20), { proven: true, covering: true }),
        t.visit("v5", t.slot(50)),
        t.visit("v6", t.slot(80), { stage: "triaged" }),
        t.visit("v7", t.slot(110)),
        t.done("p1", t.slot(-90)),
        t.done("p2", t.slot(-60), { state: "unsupported", reason: "This EHR has no number for disconnected." }),
        t.visit("p3", t.slot(-30), { stage: "noshow" }),
      ],
      alert: alertFor(first),
    };
  },
} satisfies Record<string, Build>;
