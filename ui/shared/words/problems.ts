// The one table from a problem's code to words: what happened, what to do, who can do it. Exhaustive by type: a new
// code in the protocol does not compile until it has words. It holds no value of any request.
import type { ProblemCode, WhoCanFix } from "../protocol";

export type ProblemWords = {
  /** What happened, as a short sentence. */
  title: string;
  /** What to do now, by the reader. */
  todo: string;
  /** Who can do something about it. */
  who: WhoCanFix;
};

export const whoWords: Record<WhoCanFix, string> = {
  clinician: "You can fix this yourself.",
  "microsoft-365-admin": "Your Microsoft 365 admin can fix this.",
  "ehr-analyst": "Your EHR analyst can fix this.",
  it: "Your IT help desk can fix this.",
};

const again = "Go back to the chart and press Begin virtual visit once more.";

export const problems: Record<ProblemCode, ProblemWords> = {
  "link-refused": {
    title: "That link was not one Roomed can open.",
    todo: "Nothing was started. Begin the visit from the chart. If it happens again, tell IT which page the link came from.",
    who: "it",
  },
  "other-region": {
    title: "Another Roomed looks after your organization.",
    todo: "Nothing was started here. Ask IT to set the address of Roomed that the details below say.",
    who: "it",
  },
  "unknown-iss": {
    title: "This EHR is not connected to Roomed yet.",
    todo: "The visit was not started. Ask your EHR analyst to approve this EHR environment for Roomed.",
    who: "ehr-analyst",
  },
  "not-signed-in": {
    title: "Your Microsoft sign-in has ended.",
    todo: "Sign in again. A visit you have just begun goes on by itself.",
    who: "clinician",
  },
  "wrong-tenant": {
    title: "You are signed in with another organization's account.",
    todo: "Sign out, then sign in with the account of the hospital whose chart you are in.",
    who: "clinician",
  },
  "token-refused": {
    title: "Your Microsoft sign-in was not accepted.",
    todo: "Sign out and in again. If that does not help, call IT and read out the code below.",
    who: "it",
  },
  "nonce-refused": {
    title: "Opening the visit took too long.",
    todo: again,
    who: "clinician",
  },
  "id-token-refused": {
    title: "The EHR's statement of who you are did not hold up.",
    todo: `The visit was not started. ${again} If it is refused again, tell your EHR analyst.`,
    who: "ehr-analyst",
  },
  "not-a-practitioner": {
    title: "Your EHR user is not set up as a clinician.",
    todo: "Only clinicians can begin a visit here. Ask your EHR analyst to link your user to a provider record.",
    who: "ehr-analyst",
  },
  "handle-unknown": {
    title: "That start link has been used or is too old.",
    todo: `A link works once and for five minutes. ${again}`,
    who: "clinician",
  },
  "launch-refused": {
    title: "The EHR did not accept this start.",
    todo: `It was used before, is too old, or belongs to another user. ${again}`,
    who: "clinician",
  },
  "launch-without-appointment": {
    title: "This start does not say which appointment it is for.",
    todo: "Open the appointment in the schedule and press Begin virtual visit there.",
    who: "clinician",
  },
  "appointment-not-found": {
    title: "The EHR does not show Roomed this appointment.",
    todo: "Check that the appointment still exists. If it does, your EHR analyst can see why Roomed may not read it.",
    who: "ehr-analyst",
  },
  "not-virtual": {
    title: "This appointment is not a video visit.",
    todo: "If it should be one, change its visit type in the EHR, or ask your EHR analyst to add the type to Roomed.",
    who: "ehr-analyst",
  },
  "appointment-cancelled": {
    title: "This appointment is cancelled.",
    todo: "Schedule a new one in the EHR if the visit is to take place.",
    who: "clinician",
  },
  "appointment-noshow": {
    title: "This appointment is marked as a no-show.",
    todo: "If the patient is here after all, change its status in the EHR, then begin again.",
    who: "clinician",
  },
  "appointment-entered-in-error": {
    title: "This appointment was entered in error.",
    todo: "Look for the right appointment in the schedule and begin from there.",
    who: "clinician",
  },
  "appointment-fulfilled": {
    title: "This appointment is already completed.",
    todo: "If you need to see the patient again, schedule a new video visit in the EHR.",
    who: "clinician",
  },
  "covering-needed": {
    title: "You are not on this appointment.",
    todo: "If you cover for a colleague, begin the visit again and say so when Roomed asks.",
    who: "clinician",
  },
  "covering-forbidden": {
    title: "You are not on this appointment, and covering is switched off.",
    todo: "Ask the scheduled clinician to begin, or have your EHR analyst put you on the appointment.",
    who: "ehr-analyst",
  },
  "wrong-patient": {
    title: "The chart you opened is another patient's.",
    todo: "Nothing was started. Open the chart of this appointment's patient and begin from there.",
    who: "clinician",
  },
  "first-link": {
    title: "Roomed has to ask once who you are.",
    todo: "Nothing was started. Go back to the chart, begin the visit again, and answer the question Roomed asks.",
    who: "clinician",
  },
  "wrong-person": {
    title: "Somebody else is signed in to Roomed.",
    todo: "Sign out and sign in as yourself, then begin again from the chart. If your Microsoft account is new, IT can link it.",
    who: "clinician",
  },
  "ehr-unreachable": {
    title: "The EHR does not answer.",
    todo: "Roomed keeps trying. If the patient waits, open Teams from the chart, and tell IT.",
    who: "it",
  },
  "ehr-refused": {
    title: "The EHR does not let Roomed in.",
    todo: "The visit was not started. Your EHR analyst can check Roomed's access in this environment.",
    who: "ehr-analyst",
  },
  "meeting-refused": {
    title: "Teams did not allow the meeting.",
    todo: "There is no meeting to join yet. Your Microsoft 365 admin can check what Roomed may do in Teams.",
    who: "microsoft-365-admin",
  },
  "meeting-unreachable": {
    title: "Teams does not answer.",
    todo: "Wait a moment, then press Begin virtual visit again. If it goes on, tell IT.",
    who: "it",
  },
  "visit-not-found": {
    title: "This visit is not on your list.",
    todo: "It may belong to a colleague. Begin it from the chart if you are to see the patient.",
    who: "clinician",
  },
  "visit-closed": {
    title: "This visit is over.",
    todo: "Nothing more can be done in it. Schedule a new one in the EHR if you need to go on.",
    who: "clinician",
  },
  "undo-too-late": {
    title: "Too late to take it back.",
    todo: "An end can be taken back for five minutes only. Begin the visit again from the chart.",
    who: "clinician",
  },
  "offer-over": {
    title: "This offer is over.",
    todo: "It has expired, or you answered it on another computer. Offer the visit again where you began it, or begin it from the chart.",
    who: "clinician",
  },
  "guest-unknown": {
    title: "This guest is not on the list.",
    todo: "Their place was taken back, or they need no link. Open the visit again and look who is invited.",
    who: "clinician",
  },
  "address-refused": {
    title: "That address cannot be used.",
    todo: "Write a mail address like name@example.org, or a number with its country in front like +15550100.",
    who: "clinician",
  },
  "sending-not-configured": {
    title: "Roomed cannot send links here.",
    todo: "Pass the link on yourself. IT can set up how Roomed sends links.",
    who: "it",
  },
  "write-back-unknown": {
    title: "There is no such write-back.",
    todo: "Nothing was done. Search for it again; if it is gone, your EHR analyst can look into the chart.",
    who: "ehr-analyst",
  },
  "write-back-changed": {
    title: "The write-back does not stand as it did.",
    todo: "Nothing was done. Look at it once more, or ask your EHR analyst.",
    who: "ehr-analyst",
  },
  "role-missing": {
    title: "Your account may not do this.",
    todo: "Your Microsoft 365 admin can give it Roomed's staff role for your department.",
    who: "microsoft-365-admin",
  },
  "too-many-requests": {
    title: "That was asked too often.",
    todo: "Wait a minute, then try once more.",
    who: "clinician",
  },
  "bad-request": {
    title: "Roomed's service did not understand the companion.",
    todo: "This companion may be too old. Ask IT for the current version and read out the code below.",
    who: "it",
  },
  "relay-unreachable": {
    title: "Roomed's service cannot be reached.",
    todo: "Check your network. Roomed connects again by itself. Until then, look at the schedule for arrivals.",
    who: "it",
  },
  "not-while-offline": {
    title: "Roomed could not be told.",
    todo: "This is not kept for later. Once Roomed is live again, look how the visit stands and press it again if it is still wanted.",
    who: "clinician",
  },
  "keychain-locked": {
    title: "Your keychain is locked.",
    todo: "Unlock it, then try again. Roomed keeps your sign-in there.",
    who: "clinician",
  },
  "keychain-missing": {
    title: "This computer has no keychain.",
    todo: "You can work, but must sign in each time Roomed starts. IT can set up a keychain.",
    who: "it",
  },
  internal: {
    title: "Something went wrong inside Roomed.",
    todo: "Try once more. If it happens again, call IT and read out the code below.",
    who: "it",
  },
};
