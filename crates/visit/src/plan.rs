//! When the visit is planned, and the organization's policy for it.

use serde::{Deserialize, Serialize};

use crate::time::{Millis, Timestamp};

/// The appointment's times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Planned start.
    pub start: Timestamp,
    /// Planned end.
    pub end: Timestamp,
}

/// When the chart is told that the patient is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConnectedAt {
    /// As soon as they wait, so that the schedule shows it before anyone joins.
    Ready,
    /// Only once they are admitted to the meeting.
    Admitted,
}

/// What an arrival must be before anybody is alerted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AlertOn {
    /// The patient is ready.
    #[default]
    Arrived,
    /// Staff have roomed them.
    Triaged,
}

/// The organization's rules, copied into the visit when it opens so that a later change does not rewrite the past.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// A gap this short is a reload, a locked phone or the way from our page to Teams, not a disconnect.
    pub grace: Millis,
    /// How long before the planned start a patient can arrive.
    pub early_join: Millis,
    /// When *connected* is written for the patient.
    pub connected_at: ConnectedAt,
    /// After a clinician pressed *Join*, how long they may take to be in the meeting before the patient is news again.
    pub call_patience: Millis,
    /// An alert that nobody has taken on for so long goes to the delegates as well.
    pub escalate_after: Millis,
    /// After the call ended, how long nobody may wait or return before the visit closes by itself.
    pub quiet_close: Millis,
    /// How long after the planned end a visit closes in any case.
    pub latest_close: Millis,
    /// How long *End for all* can be taken back.
    pub undo: Millis,
    /// What an arrival must be before anybody is alerted.
    #[serde(default)]
    pub alert_on: AlertOn,
    /// How long one person on their way into the meeting keeps the next one waiting.
    #[serde(default = "door")]
    pub door: Millis,
    /// Whoever acts for a patient shows on the patient's line in the chart.
    #[serde(default = "yes")]
    pub proxy_in_chart: bool,
}

// What visits opened before these rules existed go by.
fn door() -> Millis {
    Millis::seconds(15)
}

fn yes() -> bool {
    true
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            grace: Millis::seconds(90),
            early_join: Millis::minutes(30),
            connected_at: ConnectedAt::Ready,
            call_patience: Millis::minutes(3),
            escalate_after: Millis::minutes(5),
            quiet_close: Millis::minutes(10),
            latest_close: Millis::minutes(120),
            undo: Millis::minutes(5),
            alert_on: AlertOn::default(),
            door: door(),
            proxy_in_chart: yes(),
        }
    }
}
