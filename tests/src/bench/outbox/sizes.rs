//! How much of everything is measured.

/// Counts of one run.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    /// Whether the figures are to mean anything.
    pub(super) meant: bool,
    /// How often each pair is measured; the median counts.
    pub(super) rounds: usize,
    /// Inserts by many callers at once.
    pub(super) inserts: usize,
    /// By one caller alone: as many as take about as long.
    pub(super) alone: usize,
    /// Rows that wait: few, and many.
    pub(super) waiting: [u32; 2],
    /// Claims with their settles.
    pub(super) pairs: usize,
    /// Rows of a drain.
    pub(super) drain: usize,
    /// Requests to the EHR with nothing else to do.
    pub(super) requests: usize,
    /// Deliveries, one after the other.
    pub(super) deliveries: usize,
}

impl Sizes {
    /// Those of the figures.
    pub const FULL: Self = Self {
        meant: true,
        rounds: 3,
        inserts: 1_920,
        alone: 240,
        waiting: [1_000, 1_000_000],
        pairs: 200,
        drain: 100_000,
        requests: 20_000,
        deliveries: 300,
    };

    /// Just enough to see that everything is measured, within seconds; the figures say nothing.
    pub const TINY: Self = Self {
        meant: false,
        rounds: 1,
        inserts: 128,
        alone: 8,
        waiting: [50, 500],
        pairs: 5,
        drain: 200,
        requests: 128,
        deliveries: 5,
    };
}
