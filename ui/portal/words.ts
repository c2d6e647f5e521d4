// The portal's words for what the relay says in codes. Each table is exhaustive by type: what is new in the protocol does not
// compile until it has its words. What the doctor found comes in the relay's own words.
import type {
  FindingArea,
  FindingState,
  MissedSide,
  RecordField,
  RecordKind,
  WhoCanFix,
  WriteBackChannel,
  WriteBackRow,
  WriteBackState,
} from "../shared/protocol";
import type { IconName } from "../shared/icons";
import type { Trouble } from "./backend/backend";

export type Tone = "bad" | "wait" | "good" | "quiet";
/** A state is always a shape and a word; the colour only helps. */
export type StateMark = { word: string; icon: IconName; tone: Tone };

export const findingStates: Record<FindingState, StateMark> = {
  wrong: { word: "Wrong", icon: "error", tone: "bad" },
  wait: { word: "Wait", icon: "warning", tone: "wait" },
  "cannot-tell": { word: "Cannot tell", icon: "question", tone: "quiet" },
  fine: { word: "Fine", icon: "success", tone: "good" },
  "not-used": { word: "Not used", icon: "absent", tone: "quiet" },
};

export const areas: Record<FindingArea, string> = {
  entra: "Microsoft sign-in",
  graph: "Teams meetings",
  ehr: "EHR",
  address: "The relay’s own address",
  keys: "Keys",
  database: "Database and disk",
  unknown: "More",
};

export const owners: Record<WhoCanFix, string> = {
  clinician: "The clinician",
  "microsoft-365-admin": "Microsoft 365 admin",
  "ehr-analyst": "EHR analyst",
  it: "IT (who operates the relay)",
};

export const writeBackStates: Record<WriteBackState, StateMark> = {
  waiting: { word: "Waiting", icon: "clock", tone: "wait" },
  "in-flight": { word: "Being sent", icon: "reconnect", tone: "quiet" },
  delivered: { word: "In the chart", icon: "success", tone: "good" },
  superseded: { word: "Replaced by a newer one", icon: "chevron-right", tone: "quiet" },
  parked: { word: "Stopped, needs somebody", icon: "error", tone: "bad" },
  unsupported: { word: "The EHR has no way to say it", icon: "chart-none", tone: "quiet" },
  skipped: { word: "Skipped", icon: "close", tone: "quiet" },
  quarantined: { word: "From a backup, needs somebody", icon: "warning", tone: "bad" },
  unknown: { word: "Unknown", icon: "question", tone: "quiet" },
};

/** Nothing can be sent any more, whatever the state says. */
export function markOf(row: WriteBackRow): StateMark {
  const stuck = row.state === "parked" || row.state === "quarantined";
  return stuck && row.destroyed ? { word: "Expired", icon: "chart-none", tone: "quiet" } : writeBackStates[row.state];
}

export const channels: Record<WriteBackChannel, string> = {
  state: "Who is connected",
  link: "Links of the visit",
  audit: "Audit event",
  message: "Message",
  unknown: "Unknown",
};

export const missed: Record<MissedSide, string> = {
  none: "",
  patient: "The patient never came",
  clinician: "The clinician never came",
  unknown: "Nobody came, or nobody knows",
};

/** FHIR's words for how a visit ended. What is new there stands as it came. */
export const outcomes: Record<string, string> = {
  finished: "Took place",
  noshow: "No-show",
  cancelled: "Cancelled",
  unverified: "Cannot be told",
};

export const recordKinds: Record<RecordKind, { title: string; where: string }> = {
  provider: { title: "Clinician", where: "The launch record behind the clinician’s button in the schedule." },
  patient: { title: "Patient", where: "The launch record behind the patient’s button in the portal." },
  "provider-group": { title: "Clinician, group visit", where: "The same for visits with several patients." },
  "patient-group": { title: "Patient, group visit", where: "The same for visits with several patients." },
  encrypted: { title: "Encrypted link", where: "For portals that open the visit by an encrypted link and not by SMART." },
  "device-test": { title: "Device test", where: "Behind the button by which patients test their devices before the day." },
  unknown: { title: "Another record", where: "" },
};

/** What a value is called, and why it is needed. */
export const fields: Record<RecordField, { name: string; why: string }> = {
  "launch-url": { name: "Launch URL", why: "Where the EHR opens the browser." },
  "context-tokens": { name: "Context tokens", why: "They tell Roomed which appointment it is. Type them letter by letter: the EHR replaces what stands between the percent signs." },
  "companion-client-id": { name: "Client ID, clinician’s companion", why: "A public SMART client for the clinician’s launch." },
  "browser-client-id": { name: "Client ID, clinician’s browser", why: "A public SMART client for computers without the companion." },
  "patient-client-id": { name: "Client ID, patient’s page", why: "A public SMART client for the patient’s launch." },
  "backend-client-id": { name: "Client ID, backend", why: "The relay reads appointments and writes to the chart by it." },
  "backend-scopes": { name: "What the backend may do", why: "The APIs that the backend client needs, and no more." },
  "jwks-url": { name: "Public keys (JWKS URL)", why: "By these keys the EHR knows the relay. Epic may take 12 hours to fetch them." },
  "companion-redirect": { name: "Redirect URL, clinician’s companion", why: "Where the EHR sends the clinician’s sign-in back to." },
  "browser-redirect": { name: "Redirect URL, clinician’s browser", why: "The same for computers without the companion." },
  "patient-redirect": { name: "Redirect URL, patient’s page", why: "Where the EHR sends the patient’s sign-in back to." },
  "sign-in-redirect": { name: "Redirect URL, Microsoft sign-in", why: "Platform Web of the relay’s registration: staff, portal and clinicians’ browsers come back here." },
  "notification-url": { name: "Notification addresses", why: "Microsoft tells the relay here what happens in a meeting. They must be reachable from the internet." },
  "relay-client-id": { name: "Application ID of the relay", why: "The registration that permissions and the access policy are granted to." },
  "organizer-id": { name: "Object ID of the organizer", why: "The account that the meetings belong to. The access policy names it." },
  unknown: { name: "Another value", why: "" },
};

/** Why nothing came, and what to do. */
export const troubles: Record<Trouble, string> = {
  unreachable: "That did not reach Roomed. Check the network, then try again. Nothing is done twice.",
  refused: "Roomed did not take that. It may have changed meanwhile: look at it once more.",
  "sign-in-again": "Your sign-in is too old for this, so nothing was done. Sign in again; most often that takes no typing.",
};
