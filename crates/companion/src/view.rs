//! What the window is shown: one value, sent whole at every change. The UI draws it and decides nothing.
//! The patient's name in it comes from the EHR and goes to the window only; nothing here is ever sent to the relay.

use roomed_protocol::{AgendaView, Problem, Role, VisitView, WaitThresholds};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Whether somebody is signed in with Microsoft.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum SessionView {
    /// Nobody: one sentence, one button.
    SignedOut,
    /// The system browser is open for the sign-in.
    SigningIn,
    /// A refresh token is held.
    SignedIn,
    /// The keychain has been asked and has not answered yet, most likely because it shows a prompt of its own.
    WaitingForKeychain,
}

/// Why the companion has ended a sign-in by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum EndedView {
    /// Nobody touched the workstation for as long as is configured.
    Idle,
    /// A visit was begun from the chart by another EHR user than the one who is signed in.
    AnotherEhrUser,
    /// The session was locked, on a workstation that is shared.
    Locked,
    /// Whoever was asked said that the Microsoft account is not theirs, or could not sign in to it.
    NotTheSame,
}

/// Where the refresh token is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum KeychainView {
    /// In the operating system's keychain (or it is empty and works).
    Stored,
    /// By policy in memory only: the sign-in ends with the companion.
    MemoryOnly,
    /// The keychain is locked: in memory only until it is unlocked.
    Locked,
    /// There is no keychain: in memory only.
    Missing,
}

/// How the socket to the relay stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum ConnectionState {
    /// Hints arrive.
    Live,
    /// Lost a moment ago, or not yet up.
    Reconnecting,
    /// Lost for longer than half a minute: what is shown may be old.
    Offline,
}

/// The connection and since when it is like that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ConnectionView {
    /// How it stands.
    pub state: ConnectionState,
    /// Since when, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub since: Option<String>,
}

/// The clinician, for the top bar.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct MyselfView {
    /// Display name as Entra has it.
    pub name: String,
    /// One or two letters.
    pub initials: String,
}

/// The patient banner (SMART `need_patient_banner`): from the EHR with the clinician's own token, after a launch only.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct PatientBanner {
    /// The visit it belongs to.
    pub visit: String,
    /// As the EHR writes it.
    pub name: String,
    /// FHIR date (`YYYY`, `YYYY-MM` or `YYYY-MM-DD`); absent if the EHR has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub birth_date: Option<String>,
}

impl std::fmt::Debug for PatientBanner {
    // A name must not reach a log through a derived Debug of AppState.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PatientBanner { .. }")
    }
}

/// What a running launch is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum LaunchStep {
    /// The link waits until somebody has signed in.
    SigningIn,
    /// The EHR is asked who launched (system browser).
    AskingEhr,
    /// The relay checks the proof.
    Proving,
}

/// A launch that is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct LaunchingView {
    /// What it is doing.
    pub step: LaunchStep,
}

/// The question "Covering for a colleague?", answered with `cover`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct CoveringView {
    /// Planned start of the visit, RFC 3339; absent when the relay did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub start: Option<String>,
}

/// The question "Is this you in both?", asked once before an EHR user and a Microsoft account are linked, and answered with
/// `same_person`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct FirstLinkView {
    /// Which asking it is: an answer says which one it answers.
    pub id: u32,
    /// What the Microsoft account that is signed in is called: display name or sign-in name; absent if neither is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub account: Option<String>,
    /// Name of the EHR user whose chart is open; absent if the EHR did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub ehr_user: Option<String>,
    /// A yes leads to Microsoft once more: on a shared workstation the sign-in may be whoever's was here before.
    pub sign_in_again: bool,
    /// The browser is open for that.
    pub signing_in: bool,
}

impl std::fmt::Debug for FirstLinkView {
    // Names must not reach a log through a derived Debug of AppState.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FirstLinkView { .. }")
    }
}

/// What an alert is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum AlertAbout {
    /// Somebody asks for help and nobody has taken it on.
    Help,
    /// Somebody waits and nobody has acknowledged it.
    Ready,
}

/// Something that somebody has to see: the twin of the OS notification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct AlertView {
    /// The visit.
    pub visit: String,
    /// What it is about.
    pub about: AlertAbout,
    /// Planned start, RFC 3339.
    pub start: String,
    /// Who waits, or asks for help.
    pub role: Role,
    /// A proven launch: offer *Join*; otherwise *Open*.
    pub proven: bool,
    /// It came because nobody linked or signed in could be told.
    pub as_delegate: bool,
    /// When the notice was committed, or when help was asked for, RFC 3339.
    pub since: String,
}

/// What was pressed while the relay could not be reached. Only what may come a minute late.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum PendingAction {
    /// "I have seen it".
    Acknowledge,
    /// "Running late".
    Late,
    /// A preset message.
    Say,
    /// Somebody's request for help taken on.
    HelpTaken,
    /// The meeting was opened without the relay, which has not called the patient.
    Join,
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum PendingState {
    /// It is sent as soon as the relay answers.
    Waiting,
    /// Too old to be sent, because it would come as a surprise.
    Expired,
}

/// An action that the relay has not been told of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct PendingView {
    /// Opaque.
    pub id: String,
    /// What was pressed.
    pub action: PendingAction,
    /// Planned start of the visit, RFC 3339.
    pub start: String,
    /// When it was pressed, RFC 3339.
    pub since: String,
    /// How far it is.
    pub state: PendingState,
}

/// A visit that was begun in a browser, perhaps on a machine that cannot reach this companion, and may be opened here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct OfferView {
    /// Opaque.
    pub id: String,
    /// The visit.
    pub visit: String,
    /// Its planned start, RFC 3339.
    pub start: String,
    /// From then on it is over, RFC 3339 by the relay's clock.
    pub until: String,
}

/// Whether OS notifications come through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum NotificationsView {
    /// The desktop says that nothing holds them back.
    Shown,
    /// Nobody has asked yet, or this desktop has no way to say it: which those are stands in [`crate::muting`].
    Unknown,
    /// Somebody has silenced this desktop.
    DoNotDisturb,
    /// Those of this program are switched off.
    SwitchedOff,
    /// Nobody shows any: the window and the tray are all there is.
    Unavailable,
}

/// Everything the window draws from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct AppState {
    /// The organization's display name, once the relay has said it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub organization: Option<String>,
    /// The clinician, once signed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub me: Option<MyselfView>,
    /// Whether somebody is signed in.
    pub session: SessionView,
    /// While nobody is signed in: why the companion ended it by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub ended: Option<EndedView>,
    /// While nobody is signed in: how many actions had not been sent when the sign-in ended, however it did.
    pub unsent: u32,
    /// Where the refresh token is kept.
    pub keychain: KeychainView,
    /// How the socket stands.
    pub connection: ConnectionView,
    /// When the relay was last heard, RFC 3339, by this workstation's clock; only while the connection is not live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub heard_at: Option<String>,
    /// Relay's clock minus this workstation's, in milliseconds: wait clocks add it.
    pub clock_offset_ms: i32,
    /// Longest waiting first, then by time.
    pub visits: Vec<VisitView>,
    /// The last notice seen.
    pub cursor: u32,
    /// The visit whose panel is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub open_visit: Option<String>,
    /// The patient banner of the open visit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub patient: Option<PatientBanner>,
    /// Visits whose meeting can be opened although the relay does not answer.
    pub joinable: Vec<String>,
    /// The clinician's day in the chart, once an EHR has said it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub agenda: Option<AgendaView>,
    /// What was pressed and not sent, oldest first.
    pub pending: Vec<PendingView>,
    /// A visit to open here or not, answered with `take_offer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub offer: Option<OfferView>,
    /// A launch under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub launching: Option<LaunchingView>,
    /// A question to answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub covering: Option<CoveringView>,
    /// Another question, which comes last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub first_link: Option<FirstLinkView>,
    /// The visit that *Join* was pressed for on a notification, or that a launch would have gone straight into, while it may
    /// be the wrong one: the window asks first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub confirm_join: Option<String>,
    /// What went wrong last, until dismissed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub problem: Option<Problem>,
    /// The alert that has stood longest; whoever asks for help comes before whoever waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub alert: Option<AlertView>,
    /// Whether OS notifications come through.
    pub notifications: NotificationsView,
    /// Two soft notes at each repeat.
    pub sound: bool,
    /// From when a wait is long.
    pub waiting: WaitThresholds,
    /// What an invitation may be sent by, beside by hand: `email`, `sms`.
    pub sends: Vec<String>,
}

impl Default for AppState {
    /// Before anything is known: nobody signed in, not connected.
    fn default() -> Self {
        Self {
            organization: None,
            me: None,
            session: SessionView::SignedOut,
            ended: None,
            unsent: 0,
            keychain: KeychainView::Stored,
            connection: ConnectionView { state: ConnectionState::Reconnecting, since: None },
            heard_at: None,
            clock_offset_ms: 0,
            visits: Vec::new(),
            cursor: 0,
            open_visit: None,
            patient: None,
            joinable: Vec::new(),
            agenda: None,
            pending: Vec::new(),
            offer: None,
            launching: None,
            covering: None,
            first_link: None,
            confirm_join: None,
            problem: None,
            alert: None,
            notifications: NotificationsView::Unknown,
            sound: true,
            waiting: WaitThresholds::default(),
            sends: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn before_anything_is_known_the_page_gets_this() {
        let golden = serde_json::json!({"session": "signed-out", "unsent": 0, "keychain": "stored",
            "connection": {"state": "reconnecting"}, "clock_offset_ms": 0, "visits": [], "cursor": 0,
            "joinable": [], "pending": [],
            "notifications": "unknown", "sound": true, "sends": [],
            "waiting": {"long_seconds": 300, "too_long_seconds": 720}});
        assert_eq!(serde_json::to_value(AppState::default()).unwrap(), golden);
    }

    #[test]
    fn no_name_reaches_a_log() {
        let banner = PatientBanner { visit: "v".into(), name: "Canary".into(), birth_date: None };
        let state = AppState { patient: Some(banner), ..AppState::default() };
        assert!(!format!("{state:?}").contains("Canary"));
        assert!(serde_json::to_string(&state).unwrap().contains("Canary"));
    }
}
