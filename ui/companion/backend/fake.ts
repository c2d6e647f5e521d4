// The in-page backend of the test builds: plays one scenario and answers each command as the companion would.
// `?scenario=waiting`; every command called is noted in `window.calls` for the tests. Never in what ships.
import type { AppState, VisitView } from "../../shared/protocol";
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
        open_visit: visit,
      })),
    end: (visit) => change(`end ${visit}`, inVisit(visit, (one) => ({ ...one, closing: true }))),
    openVisit: (visit) => change(`open_visit ${visit}`, (before) => ({ ...before, open_visit: visit })),
    closeVisit: () => change("close_visit", (before) => ({ ...before, open_visit: undefined })),
    cover: (yes) => change(`cover ${yes}`, (before) => ({ ...before, covering: undefined })),
    dismissProblem: () => change("dismiss_problem", (before) => ({ ...before, problem: undefined })),
    setSound: (on) => change(`set_sound ${on}`, (before) => ({ ...before, sound: on })),
    retryKeychain: () => change("retry_keychain", () => scenarios.idle(t)),
  };
}
