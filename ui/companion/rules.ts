// What the companion shows, decided from the state alone: which visit matters most, what is pressed, what a row says.
// Pure: no clock of its own, no DOM. The rules of a visit itself are the relay's; these only choose words and places.
import type { AppState, ChartState, ParticipantView, VisitView } from "../shared/protocol";
import type { IconName } from "../shared/icons";
import { clockTime } from "../shared/time";
import { roleWord } from "../shared/words/visit";

/** Over, and nobody is inside any more. */
export function isPast(visit: VisitView): boolean {
  return !visit.closing && ["finished", "noshow", "cancelled"].includes(visit.stage);
}

/** Who is waited for: patients and who acts for them; in a visit without a patient, the colleagues. Never interpreters and
 *  family. The companion has the same rule (`awaited` in its `board.rs`); both are held to `awaited.json`. */
export function awaitedOf(visit: VisitView): ParticipantView[] {
  const patients = visit.participants.filter((one) => one.role === "patient" || one.role === "proxy");
  const colleague = (one: ParticipantView) => !one.me && (one.role === "practitioner" || one.role === "colleague");
  return patients.length > 0 ? patients : visit.participants.filter(colleague);
}

export function meOf(visit: VisitView): ParticipantView | undefined {
  return visit.participants.find((one) => one.me);
}

/** Who is in the meeting or in its lobby: the roles that "End for all" names. */
export function inside(visit: VisitView): ParticipantView[] {
  return visit.participants.filter(
    (one) => one.presence === "connected" || (one.presence === "waiting" && one.source === "roster"),
  );
}

/** Since when somebody waits to be seen, or nothing when nobody does. Arrival counts, not a later move to the lobby. */
export function waitingSince(visit: VisitView): string | undefined {
  const waiting = awaitedOf(visit).filter((one) => one.presence === "waiting");
  if (isPast(visit) || visit.closing || waiting.length === 0) return undefined;
  // Their own stay: who left and came back, or came late to a group, has not waited since the first arrival.
  return waiting.flatMap((one) => one.since ?? []).sort()[0] ?? visit.arrived_at;
}

/** The one thing to press. *Join* only after a proven launch; before it, *Open* says to begin from the chart. */
export function actionOf(visit: VisitView): "join" | "return" | "open" | "none" {
  if (isPast(visit) || visit.closing) return "none";
  if (!visit.proven) return "open";
  return meOf(visit)?.presence === "connected" ? "return" : "join";
}

/** Before a proven launch: what to do instead of joining. Who is not on the visit at all can only tell the clinician. */
export function beforeLaunch(visit: VisitView): string {
  const another = !meOf(visit) && visit.participants.some((one) => one.role === "practitioner");
  return another
    ? "Tell the clinician of this visit. It begins from the chart."
    : "Begin the visit from the chart. Then you can join from here.";
}

export type StateWord = { word: string; icon: IconName; tone: "neutral" | "ready" | "busy" | "done" };

/** How a visit stands, as an icon and a word. */
export function stateOf(visit: VisitView): StateWord {
  if (visit.closing) return { word: "Closing", icon: "leave", tone: "busy" };
  if (visit.stage === "cancelled") return { word: "Cancelled", icon: "close", tone: "done" };
  if (visit.stage === "noshow") return { word: "No-show", icon: "absent", tone: "done" };
  if (visit.stage === "finished") return { word: "Finished", icon: "check", tone: "done" };
  const people = awaitedOf(visit);
  const me = meOf(visit)?.presence ?? "absent";
  const those = (presence: ParticipantView["presence"]) => people.filter((one) => one.presence === presence);
  if (those("waiting").length > 0) return { word: `${whoIn(those("waiting"))} ready`, icon: "bell", tone: "ready" };
  if (those("connected").length > 0) {
    return me === "connected"
      ? { word: "In visit", icon: "video", tone: "busy" }
      : { word: `${whoIn(those("connected"))} in the meeting`, icon: "video", tone: "ready" };
  }
  // Went to the meeting, where nobody can tell guests apart.
  if (those("unclear").length > 0) return { word: `${whoIn(those("unclear"))} perhaps in the meeting`, icon: "question", tone: "busy" };
  if (people.some((one) => one.left_unseen_after !== undefined)) {
    return { word: `${whoIn(people)} left unseen`, icon: "leave", tone: "neutral" };
  }
  if (those("disconnected").length > 0) return { word: `${whoIn(those("disconnected"))} left`, icon: "leave", tone: "neutral" };
  if (me === "connected") return { word: "You are in the meeting", icon: "video", tone: "busy" };
  if (visit.stage === "triaged") return { word: "Roomed by staff", icon: "door", tone: "neutral" };
  return { word: "Planned", icon: "calendar", tone: "neutral" };
}

/** "Patient", "Proxy", or "3 people". */
function whoIn(people: ParticipantView[]): string {
  return people.length > 1 ? `${people.length} people` : roleWord(people[0]?.role ?? "patient");
}

/** What must be answered before *Join*: the visit one is still in, or which of several that wait. */
export type Guard = { why: "still-in"; other: VisitView } | { why: "several" } | undefined;

export function guardOf(app: AppState, visit: VisitView): Guard {
  if (meOf(visit)?.presence === "connected") return undefined;
  const open = app.visits.filter((one) => one.id !== visit.id && !isPast(one));
  const other = open.find((one) => !one.closing && meOf(one)?.presence === "connected");
  if (other) return { why: "still-in", other };
  return open.some((one) => waitingSince(one)) && waitingSince(visit) ? { why: "several" } : undefined;
}

/** Whom a message may go to. */
export function reachableOf(visit: VisitView): ParticipantView[] {
  return isPast(visit) ? [] : visit.participants.filter((one) => one.role !== "practitioner" && one.role !== "unattributed");
}

/** Who an unattributed guest can be: anybody who is not seen in the meeting already. */
export function candidatesOf(visit: VisitView): ParticipantView[] {
  return visit.participants.filter((one) => !one.me && one.role !== "unattributed" && one.presence !== "connected");
}

/** Before its end, and not yet under way: late is only what has not begun. */
export function mayBeLate(visit: VisitView): boolean {
  return !isPast(visit) && !visit.closing && meOf(visit)?.presence !== "connected" && visit.stage !== "in-progress";
}

/** The visit that needs the clinician most: alerted, then waiting longest, then under way, then the next one. */
export function leadOf({ visits, alert }: AppState): VisitView | undefined {
  const open = visits.filter((visit) => !isPast(visit));
  const byWait = open.filter(waitingSince).sort((a, b) => waitingSince(a)!.localeCompare(waitingSince(b)!));
  return (
    open.find((visit) => visit.id === alert?.visit) ??
    byWait.find((visit) => !visit.acknowledged) ??
    byWait[0] ??
    open.find((visit) => visit.stage === "in-progress" || visit.closing) ??
    open.toSorted((a, b) => a.start.localeCompare(b.start))[0]
  );
}

/** The rest of today: longest waiting first, then by time; what is past, latest first. */
export function restOf(state: AppState): { rows: VisitView[]; past: VisitView[] } {
  const lead = leadOf(state);
  const key = (visit: VisitView) => `${waitingSince(visit) ?? "9"} ${visit.start}`;
  return {
    rows: state.visits.filter((one) => !isPast(one) && one !== lead).sort((a, b) => key(a).localeCompare(key(b))),
    past: state.visits.filter(isPast).sort((a, b) => b.start.localeCompare(a.start)),
  };
}

export type ChartMark = { state: ChartState["state"]; words: string };

/** A visit's mark: the worst of its participants' chart states. */
export function chartOf(visit: VisitView): ChartMark {
  const charts = visit.participants.map((one) => one.chart);
  const stuck = charts.find((one) => one.state === "needs-analyst");
  if (stuck) return { state: "needs-analyst", words: "Needs your EHR analyst" };
  if (charts.some((one) => one.state === "pending")) return { state: "pending", words: "Waiting for the chart" };
  const written = charts.flatMap((one) => (one.state === "written" ? [one.at] : [])).sort()[0];
  if (written) return { state: "written", words: `In the chart since ${clockTime(written)}` };
  if (charts.some((one) => one.state === "unsupported")) return { state: "unsupported", words: "Not shown by this EHR" };
  return { state: "nothing", words: "" };
}

/** The foot's one line about all charts. */
export function chartLine(visits: VisitView[]): ChartMark {
  const charts = visits.flatMap((visit) => visit.participants.map((one) => one.chart.state));
  const count = (state: string) => charts.filter((one) => one === state).length;
  const stuck = count("needs-analyst");
  if (stuck > 0) return { state: "needs-analyst", words: `${stuck} ${stuck === 1 ? "needs" : "need"} your EHR analyst` };
  const pending = count("pending");
  if (pending > 0) {
    return { state: "pending", words: `${pending} ${pending === 1 ? "update" : "updates"} waiting for the chart` };
  }
  const silent = count("unsupported");
  if (silent > 0) return { state: "unsupported", words: `Chart up to date, ${silent} not shown by this EHR` };
  return { state: "written", words: "Chart up to date" };
}

/** "today" is left out; another day is said. */
export function startWords(start: string, now: number): { time: string; day: string } {
  const days = Math.round((midnight(Date.parse(start)) - midnight(now)) / 86_400_000);
  const day =
    days === 0
      ? ""
      : days === 1
        ? "tomorrow"
        : new Intl.DateTimeFormat("en-GB", { weekday: "long", day: "numeric", month: "long" }).format(new Date(start));
  return { time: clockTime(start), day };
}

function midnight(at: number): number {
  return new Date(at).setHours(0, 0, 0, 0);
}
