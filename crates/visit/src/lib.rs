//! What a visit is and how it may change: pure rules, without I/O, clock or randomness.
//!
//! A visit is what its witnesses have said ([`Evidence`]) plus what people decided ([`Decisions`]). Its stage and
//! everybody's presence are read off those two, never stored, so the order in which testimony arrives cannot matter.
//! [`apply`] is the only way to change a visit; it answers with the new visit and the effects that follow.
//!
//! Left out on purpose: names, EHR ids, links, HTTP. The relay keeps those beside the visit.

mod apply;
mod arrival;
mod attribution;
mod chart;
mod closing;
mod decisions;
mod doubt;
mod event;
mod evidence;
mod ids;
mod leg;
mod participant;
mod plan;
mod presence;
mod stage;
mod stay;
mod time;
mod timeline;
mod visit;

pub use apply::{Transition, apply};
pub use arrival::Arrival;
pub use chart::{ChartStatus, Effect};
pub use closing::{CloseReason, Closed};
pub use decisions::{Acknowledged, Called, Decisions, Ended, Told};
pub use event::{Command, Testimony, VisitEvent};
pub use evidence::Evidence;
pub use ids::{LegId, Oid, ParticipantId};
pub use leg::{Identity, LegState, Medium};
pub use participant::{Participant, Role};
pub use plan::{ConnectedAt, Plan, Policy};
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
