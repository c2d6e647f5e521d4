//! What a visit is and how it may change: pure rules, without I/O, clock or randomness.
//!
//! A visit is what its witnesses have said ([`Evidence`]) plus what people decided ([`Decisions`]). Its stage and
//! everybody's presence are read off those two, never stored, so the order in which testimony arrives cannot matter.
//! [`apply`] is the only way to change a visit; it answers with the new visit and the effects that follow.
//!
//! Left out on purpose: names, EHR ids, links, HTTP. The relay keeps those beside the visit.

mod alert;
mod apply;
mod arrival;
mod attribution;
mod awaited;
mod called_off;
mod chart;
mod closing;
mod decisions;
mod device_test;
mod door;
mod doubt;
mod effect;
mod event;
mod evidence;
mod format;
mod guests;
mod ids;
mod leg;
mod message;
mod page;
mod participant;
mod plan;
mod presence;
mod refresh;
mod stage;
mod stay;
mod time;
mod timeline;
mod unclear;
mod unseen;
mod visit;

pub use apply::{Transition, apply};
pub use arrival::Arrival;
pub use chart::ChartStatus;
pub use closing::{CloseReason, Closed};
pub use decisions::{Acknowledged, Called, Decisions, Ended, Told};
pub use device_test::{DeviceResult, DeviceTest};
pub use effect::Effect;
pub use event::{Command, Expected, Testimony, VisitEvent};
pub use evidence::Evidence;
pub use ids::{LegId, Oid, ParticipantId};
pub use leg::{Identity, LegState, Medium};
pub use message::{Answer, Message, MessageId, Preset, Speaker};
pub use participant::{GuestKind, Participant, Role};
pub use plan::{AlertOn, ConnectedAt, Plan, Policy};
pub use presence::Presence;
pub use stage::Stage;
pub use time::{Millis, Timestamp};
pub use timeline::{TimelineEntry, What};
pub use visit::Visit;

/// Who saw it. Ranked: at equal times the lower rank is believed first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// The patient's own page.
    VisitPage,
    /// Teams' roster through Graph.
    Roster,
    /// The EHR's appointment or encounter.
    Ehr,
    /// A member of staff.
    Staff,
    /// The clinician, in the companion.
    Companion,
    /// The relay itself: a timer or a policy.
    Relay,
}
