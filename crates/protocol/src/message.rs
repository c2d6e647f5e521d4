//! What is said around a visit without free text: device tests, preset messages and preset answers. The words for each
//! preset, in every language, are the pages'.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::visit::Role;

/// How one part of a device test ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum DeviceResult {
    /// Not tried yet.
    Untested,
    /// It works.
    Good,
    /// It works badly: a quiet microphone, a slow line.
    Weak,
    /// The person or the browser said no.
    Refused,
    /// There is no such device, or it was unplugged.
    Missing,
    /// It is there and does not work.
    Failed,
    /// A word of a later version.
    #[serde(other)]
    Unknown,
}

/// `POST api/devices`: what the page found. Sent when it changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct DeviceReport {
    /// The camera.
    pub camera: DeviceResult,
    /// The microphone.
    pub microphone: DeviceResult,
    /// The speaker, as the person says.
    pub speaker: DeviceResult,
    /// The line to the relay.
    pub connection: DeviceResult,
}

/// A device test as staff and clinicians see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct DeviceTest {
    /// RFC 3339.
    pub at: String,
    /// The camera.
    pub camera: DeviceResult,
    /// The microphone.
    pub microphone: DeviceResult,
    /// The speaker, as the person says.
    pub speaker: DeviceResult,
    /// The line to the relay.
    pub connection: DeviceResult,
}

/// What staff can say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// "We are running late": with minutes.
    RunningLate,
    /// "We will be with you in a moment."
    AlmostReady,
    /// "Please stay on this page."
    PleaseStay,
    /// "Please check that your sound is on."
    CheckSound,
    /// "Please check your camera."
    CheckCamera,
    /// "We will call you on the phone."
    WeWillPhone,
    /// "Please come back to this page and press I'm ready."
    PleaseReturn,
    /// A word of a later version.
    #[serde(other)]
    Unknown,
}

/// What can be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum PresetAnswer {
    /// "OK."
    Ok,
    /// "I can wait."
    CanWait,
    /// "I cannot wait."
    CannotWait,
    /// "It works now."
    Done,
    /// "I need help."
    NeedHelp,
    /// A word of a later version.
    #[serde(other)]
    Unknown,
}

/// One message, as everybody it concerns sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct MessageView {
    /// Opaque, stable within the visit.
    pub id: String,
    /// RFC 3339.
    pub at: String,
    /// What is said.
    pub preset: Preset,
    /// With *running late*: how many minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub minutes: Option<u16>,
    /// To whom; everybody who waits where it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub to: Option<Role>,
    /// What may be answered.
    pub answers: Vec<PresetAnswer>,
    /// What was answered last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub answered: Option<PresetAnswer>,
}

/// `POST api/answer`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct AnswerRequest {
    /// The message's id.
    pub message: String,
    /// One of its answers.
    pub answer: PresetAnswer,
}

/// `POST .../visits/{id}/say`, from companion or staff page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct SayRequest {
    /// A participant's id; everybody who waits where it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub to: Option<String>,
    /// What is said.
    pub preset: Preset,
    /// Minutes, 1 to 240: with *running late* only, and needed there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub minutes: Option<u16>,
}
