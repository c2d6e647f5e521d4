//! Notices: what a clinician's companion must know, stored in order and pulled by cursor. The socket only hints.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::visit::Role;

/// What a notice says. Time and role only: nothing here may be shown wrongly on a locked screen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum NoticeKind {
    /// Somebody waits: alert until acknowledged.
    PatientReady {
        /// Planned start, RFC 3339: the only thing an alert shows.
        start: String,
        /// Who waits.
        role: Role,
        /// The clinician has a proven launch: offer *Join*; otherwise *Open*.
        proven: bool,
        /// This alert came because nobody linked or signed in could be told.
        as_delegate: bool,
    },
    /// Somebody acknowledged, joined or the visit ended: take the alert down everywhere.
    AlertWithdrawn,
    /// Something about the visit changed: fetch it again.
    VisitChanged,
    /// Another clinician began this visit "covering for" the one who is told.
    CoveredBy {
        /// Planned start, RFC 3339.
        start: String,
    },
    /// Somebody left before anybody saw them.
    LeftUnseen {
        /// Planned start, RFC 3339.
        start: String,
        /// Who.
        role: Role,
        /// How long they had waited, seconds.
        waited_seconds: u32,
    },
    /// Somebody asked for help.
    HelpWanted {
        /// Planned start, RFC 3339.
        start: String,
        /// Who.
        role: Role,
    },
    /// A launch was proven in a browser, perhaps on a machine without a companion: it may be opened here. Answered with
    /// `POST /api/v1/offers/{offer}`.
    Offered {
        /// Opaque; means something to the one who is told only.
        offer: String,
        /// Planned start, RFC 3339.
        start: String,
        /// From this moment on it is over, RFC 3339 by the relay's clock.
        until: String,
    },
    /// An offer has been answered: take it down everywhere.
    OfferAnswered {
        /// Which.
        offer: String,
    },
    /// A notice of a later version: fetch the visit.
    #[serde(other)]
    Unknown,
}

/// One stored notice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Notice {
    /// The cursor: grows by commit order for one clinician.
    pub seq: u32,
    /// The visit it is about.
    pub visit: String,
    /// When it was committed, RFC 3339.
    pub at: String,
    /// What it says.
    #[serde(flatten)]
    pub kind: NoticeKind,
}

/// `GET /api/v1/notices?after=N`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct NoticesView {
    /// In order, at most 200; ask again from the last `seq` while `more` is true.
    pub notices: Vec<Notice>,
    /// There is more.
    pub more: bool,
}

/// `POST /api/v1/offers/{offer}`: the first answer counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct OfferAnswer {
    /// Open it here.
    pub take: bool,
}
