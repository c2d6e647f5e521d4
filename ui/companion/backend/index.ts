// What the window asks of the companion, and how it is told. One interface; what ships speaks to Tauri, the test
// builds to an in-page fake. Every command may be refused with a `Problem`.
import type { AppState, AssignRequest, InviteRequest, InviteView, LateRequest, SayRequest } from "../../shared/protocol";

export interface Backend {
  /** Everything there is to draw, now. */
  state(): Promise<AppState>;
  /** The whole state again, at every change. */
  onState(listen: (state: AppState) => void): Promise<void>;
  /** The first state has been drawn: links that arrived before are handed over now. */
  pageReady(): Promise<void>;
  signIn(): Promise<void>;
  signOut(): Promise<void>;
  acknowledge(visit: string): Promise<void>;
  join(visit: string): Promise<void>;
  end(visit: string): Promise<void>;
  /** Takes *End for all* back. */
  undoEnd(visit: string): Promise<void>;
  say(visit: string, request: SayRequest): Promise<void>;
  late(request: LateRequest): Promise<void>;
  /** The link, where it is to be passed on by hand, is in the answer and nowhere else. */
  invite(visit: string, request: InviteRequest): Promise<InviteView>;
  revokeInvitation(visit: string, participant: string): Promise<void>;
  assign(visit: string, request: AssignRequest): Promise<void>;
  helpTaken(visit: string, participant: string): Promise<void>;
  /** A launch that was proven on a machine without a companion: open it here, or leave it. */
  takeOffer(yes: boolean): Promise<void>;
  /** An action that expired before it could be sent has been read. */
  dismissPending(id: string): Promise<void>;
  openVisit(visit: string): Promise<void>;
  closeVisit(): Promise<void>;
  /** The question before *Join*, asked because of a press outside the window, was closed without joining. */
  dismissJoin(): Promise<void>;
  cover(yes: boolean): Promise<void>;
  /** EHR user and Microsoft account are, or are not, one person. */
  samePerson(id: number, yes: boolean): Promise<void>;
  dismissProblem(): Promise<void>;
  setSound(on: boolean): Promise<void>;
  retryKeychain(): Promise<void>;
}

/** `__FAKE__` is a constant of the build: the other branch is not in the bundle. */
export async function connect(): Promise<Backend> {
  if (__FAKE__) return (await import("./fake")).fakeBackend(new URLSearchParams(location.search));
  return (await import("./tauri")).tauriBackend();
}
