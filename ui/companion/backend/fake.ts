// The in-page backend of the test builds: plays one scenario and answers each command as the companion would.
// `?scenario=waiting`; every command called is noted in `window.calls` for the tests. Never in what ships.
import type { AppState, ParticipantView, VisitView } from "../../shared/protocol";
import type { Backend } from ".";
import { moment, scenarios, signedIn, type Scenario } from "./scenarios";

declare global {
  interface Window {
    /** The commands this page has called, in order. */
    calls?: string[];
  }
}

export function fakeBackend(query: URLSearchParams): Backend {
  const t = moment(Date.now());
  const name = (query.get("scenario") ?? "idle") as Scenario;
  if (!(name in scenarios)) throw new Error(`no scenario ${name}`);
  let state: AppState = scenarios[name](t) as AppState;
  let tell: (state: AppState) => void = () => {};
  const calls: string[] = (window.calls = []);

  const change = async (call: string, next: (state: AppState) => AppState) => {
    calls.push(call);
    await Promise.resolve();
    state = next(state);
    tell(state);
  };
  const inVisit = (id: string, next: (visit: VisitView) => VisitView) => (before: AppState) => ({
    ...before,
    visits: before.visits.map((visit) => (visit.id === id ? next(visit) : visit)),
  });

  const inPerson = (visit: string, id: string, next: (one: ParticipantView) => ParticipantView) =>
    inVisit(visit, (one) => ({ ...one, participants: one.participants.map((person) => (person.id === id ? next(person) : person)) }));

  return {
    state: async () => state,
    onState: async (listen) => {
      tell = listen;
    },
    pageReady: () => change("page_ready", (before) => before),
    signIn: () => change("sign_in", () => scenarios.idle(t)),
    signOut: () => change("sign_out", () => ({ ...signedIn(), me: undefined, session: "signed-out" })),
    acknowledge: (visit) =>
      change(`acknowledge ${visit}`, (before) => ({
        ...inVisit(visit, (one) => ({ ...one, acknowledged: true }))(before),
        alert: undefined,
      })),
    join: (visit) =>
      change(`join ${visit}`, (before) => ({
        ...inVisit(visit, (one) => ({
          ...one,
          acknowledged: true,
          participants: one.participants.map((person) =>
            person.me ? { ...person, presence: "connected", since: t.at(0), source: "roster" } : person,
          ),
        }))(before),
        alert: undefined,
        confirm_join: undefined,
        open_visit: visit,
      })),
    end: (visit) => change(`end ${visit}`, inVisit(visit, (one) => ({ ...one, closing: true, undo_until: t.at(5) }))),
    undoEnd: (visit) => change(`undo_end ${visit}`, inVisit(visit, ({ undo_until: _over, ...one }) => ({ ...one, closing: false }))),
    say: (visit, { preset, to }) =>
      change(
        `say ${visit} ${preset} ${to ?? "all"}`,
        inVisit(visit, (one) => ({
          ...one,
          messages: [...one.messages, { id: `said-${calls.length}`, at: t.at(0), preset, answers: [] }],
        })),
      ),
    late: ({ visits, minutes }) =>
      change(`late ${visits.join(" ")} ${minutes}`, (before) => ({
        ...before,
        visits: before.visits.map((one) => (visits.includes(one.id) ? { ...one, late_until: t.at(minutes) } : one)),
      })),
    invite: async (visit, { role, send, participant: again }) => {
      const participant = again ?? `guest-${calls.length}`;
      const guest = { ...t.person(role, "absent"), id: participant, invitation: { state: "open" as const, expires_at: t.at(120) } };
      await change(
        `invite ${visit} ${again ?? role} ${send.by}`,
        inVisit(visit, (one) => ({ ...one, participants: [...one.participants.filter(({ id }) => id !== participant), guest] })),
      );
      const link = send.by === "hand" ? { link: `https://relay.example/i/${"x7Kq".repeat(11)}` } : {};
      return { participant, expires_at: t.at(120), ...link };
    },
    revokeInvitation: (visit, participant) =>
      change(`revoke_invitation ${visit} ${participant}`, inPerson(visit, participant, (one) => ({ ...one, invitation: { state: "revoked" } }))),
    assign: (visit, { leg, participant }) =>
      change(
        `assign ${visit} ${leg} ${participant ?? "nobody"}`,
        inPerson(visit, leg, ({ assigned_to: _before, ...one }) => ({ ...one, ...(participant && { assigned_to: participant }) })),
      ),
    helpTaken: (visit, participant) =>
      change(`help_taken ${visit} ${participant}`, (before) => ({
        ...inPerson(visit, participant, ({ help_since: _taken, ...one }) => one)(before),
        alert: before.alert?.about === "help" ? undefined : before.alert,
      })),
    takeOffer: (yes) => change(`take_offer ${yes}`, ({ offer: _answered, ...before }) => before),
    dismissPending: (id) =>
      change(`dismiss_pending ${id}`, (before) => ({ ...before, pending: before.pending.filter((one) => one.id !== id) })),
    openVisit: (visit) => change(`open_visit ${visit}`, (before) => ({ ...before, open_visit: visit })),
    closeVisit: () => change("close_visit", (before) => ({ ...before, open_visit: undefined })),
    dismissJoin: () => change("dismiss_join", ({ confirm_join: _asked, ...before }) => before),
    cover: (yes) => change(`cover ${yes}`, (before) => ({ ...before, covering: undefined })),
    samePerson: (id, yes) =>
      change(`same_person ${id} ${yes}`, (before) => {
        if (before.first_link?.id !== id) return before;
        if (!yes) return { ...signedIn(), me: undefined, session: "signed-out", ended: "not-the-same" };
        const { first_link: asked, ...rest } = before;
        return asked?.sign_in_again ? { ...before, first_link: { ...asked, id: id + 1, signing_in: true } } : rest;
      }),
    dismissProblem: () => change("dismiss_problem", (before) => ({ ...before, problem: undefined })),
    setSound: (on) => change(`set_sound ${on}`, (before) => ({ ...before, sound: on })),
    retryKeychain: () => change("retry_keychain", () => scenarios.idle(t)),
  };
}
