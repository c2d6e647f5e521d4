//! What a run is made of: how many nodes and visits, how the EHR behaves, what happens to the nodes.

use std::ops::Range;

use roomed_relay::store::Channel;

/// One kind of run.
#[derive(Clone)]
pub(crate) struct Plan {
    /// Its name in the report.
    pub(crate) name: &'static str,
    /// Relays on the one database.
    pub(crate) nodes: usize,
    /// EHR connections.
    pub(crate) ehrs: usize,
    /// Who is told what, and when.
    pub(crate) traffic: Traffic,
    /// How the EHRs behave.
    pub(crate) ehr: Manners,
    /// What happens to each node, one after the other.
    pub(crate) faults: Vec<NodeFault>,
    /// How many of `faults`, drawn with the dice, each node goes through.
    pub(crate) faults_per_node: u32,
    /// Each node's clock is off by at most so much.
    pub(crate) skew_ms: u64,
    /// The nodes share a database and go by its time; else there is one, and it goes by its own clock.
    pub(crate) shared: bool,
    /// A database call takes so long, each way.
    pub(crate) database_ms: Range<u64>,
    /// Lines of the journal to show when something is wrong.
    pub(crate) lines: usize,
}

/// Visits and what becomes true in them.
#[derive(Clone)]
pub(crate) struct Traffic {
    /// So many visits.
    pub(crate) visits: u64,
    /// Each begins within this time.
    pub(crate) within_ms: u64,
    /// Comings and goings per visit.
    pub(crate) changes: Range<u64>,
    /// Time between two of them.
    pub(crate) pause_ms: Range<u64>,
    /// Through which doors each is told.
    pub(crate) doors: &'static [Channel],
    /// So many in a thousand visits close at the end, and so many of those are begun again.
    pub(crate) closes: u32,
    /// So many in a thousand commits ring no bell: the hint was lost.
    pub(crate) silent: u32,
}

/// How an EHR answers. Chances are per thousand requests.
#[derive(Clone, Default)]
pub(crate) struct Manners {
    /// One way.
    pub(crate) latency_ms: Range<u64>,
    /// Applied, and nobody is told: the connection drops, or a 500, or silence.
    pub(crate) ambiguous: u32,
    /// As `ambiguous`, and what was sent lands only later, within the settle delay.
    pub(crate) late: u32,
    /// As `ambiguous`, and it was never applied.
    pub(crate) lost: u32,
    /// 503.
    pub(crate) unavailable: u32,
    /// 429, and most of them with a time.
    pub(crate) busy: u32,
    /// Per thousand *rows*: always refused, or always 500.
    pub(crate) poison: u32,
    /// Per thousand *visits*: an id is missing for a while.
    pub(crate) unidentified: u32,
    /// When it is not there at all.
    pub(crate) down: Vec<Range<u64>>,
    /// Down and up again and again until then.
    pub(crate) flaps_until: u64,
}

/// What may happen to a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NodeFault {
    /// Stopped as by SIGSTOP, past its lease, and woken.
    Freeze,
    /// Frozen before it sends until its lease is just over, woken, and killed before it can say so: what it sent lands
    /// about when somebody else takes over.
    Ambush,
    /// Killed as by SIGKILL, and started again.
    Kill,
    /// Cut off from the database; what was asked may have been done.
    Cut,
    /// Told to stop, and started again.
    Restart,
    /// Its clock jumps.
    Step,
    /// Its clock is set back.
    StepBack,
}

/// Every door there is.
pub(crate) const ALL_DOORS: &[Channel] = &Channel::ALL;

impl Plan {
    /// A small run with nothing wrong.
    pub(crate) fn calm(name: &'static str) -> Self {
        Self {
            name,
            nodes: 3,
            ehrs: 2,
            traffic: Traffic {
                visits: 12,
                within_ms: 60_000,
                changes: 2..9,
                pause_ms: 20..20_000,
                doors: ALL_DOORS,
                closes: 700,
                silent: 100,
            },
            ehr: Manners { latency_ms: 5..400, ..Manners::default() },
            faults: Vec::new(),
            faults_per_node: 0,
            skew_ms: 0,
            shared: true,
            database_ms: 0..4,
            lines: 4000,
        }
    }
}
