//! Walks a copy of the ledger and names the first record that is not as it was written. Pure: what is walked is read by
//! `copy.rs`. Needs no key, so it can be done by somebody who is not trusted with one.
//!
//! A chain that somebody computed anew from its beginning is whole in itself; what finds it is a head that was noted
//! elsewhere before.

use super::{BEGINNING, Hash, Record};
use crate::store::Chained;

/// A record as a copy holds it.
pub type Found = Result<Chained, Damaged>;

/// A column that does not hold what the relay writes there: empty, or of another kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damaged {
    /// The record's place, where at least that can be read.
    pub seq: Option<i64>,
    /// The column.
    pub column: &'static str,
}

/// What is wrong, in words for somebody who has never seen the table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A gap.
    #[error("record {seq} is missing: the next one there is {found}")]
    Missing {
        /// The first place that is empty.
        seq: i64,
        /// The next that is not.
        found: i64,
    },
    /// A place that no relay gives.
    #[error("record {found} stands where record {seq} belongs; the relay numbers its records 1, 2, 3, ...")]
    OutOfPlace {
        /// The place.
        seq: i64,
        /// What stands there.
        found: i64,
    },
    /// A column is empty or of another kind.
    #[error("record {seq}: its column `{column}` is empty or holds something of another kind")]
    Column {
        /// The record.
        seq: i64,
        /// The column.
        column: &'static str,
    },
    /// The record is not what was written.
    #[error("record {seq} was changed after it was written: its link does not match its columns")]
    Changed {
        /// The record.
        seq: i64,
    },
    /// The record is whole in itself but was chained to another one than stands before it.
    #[error(
        "record {seq} was not written after the record that now stands before it: that one was put in its place later"
    )]
    Unchained {
        /// The record.
        seq: i64,
    },
    /// The table holds rows the chain does not have.
    #[error("the table holds {rows} rows, but the chain has {walked} records: a row stands outside of it")]
    Outside {
        /// Rows.
        rows: i64,
        /// Records.
        walked: i64,
    },
    /// The end is missing.
    #[error(
        "the ledger ends at {end}; the head you noted is not in it: records were cut off, or the chain was written anew"
    )]
    CutTail {
        /// The last record there is.
        end: i64,
    },
}

impl Fault {
    /// The record to look at, if it is one.
    pub fn seq(&self) -> Option<i64> {
        match self {
            Self::Missing { seq, .. }
            | Self::OutOfPlace { found: seq, .. }
            | Self::Column { seq, .. }
            | Self::Changed { seq }
            | Self::Unchained { seq } => Some(*seq),
            Self::Outside { .. } | Self::CutTail { .. } => None,
        }
    }

    /// One word, for programs.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "missing",
            Self::OutOfPlace { .. } => "out-of-place",
            Self::Column { .. } => "column",
            Self::Changed { .. } => "changed",
            Self::Unchained { .. } => "unchained",
            Self::Outside { .. } => "outside",
            Self::CutTail { .. } => "cut-tail",
        }
    }
}

/// A ledger in which every record is as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whole {
    /// How many records, and the place of the last.
    pub records: i64,
    /// The last link.
    pub head: Hash,
    /// Where the noted head stands, if one was given.
    pub noted_at: Option<i64>,
}

/// A walk from the beginning.
#[derive(Debug, Clone)]
pub struct Walk {
    walked: i64,
    head: Hash,
    noted: Option<Hash>,
    noted_at: Option<i64>,
}

impl Walk {
    /// Begins; `noted` is a head somebody wrote down earlier.
    pub fn new(noted: Option<Hash>) -> Self {
        let noted_at = (noted == Some(BEGINNING)).then_some(0);
        Self { walked: 0, head: BEGINNING, noted, noted_at }
    }

    /// How many records were good so far.
    pub fn walked(&self) -> i64 {
        self.walked
    }

    /// The next record.
    ///
    /// # Errors
    /// The first fault; the walk ends there, since nothing after it can be vouched for.
    pub fn step(&mut self, found: Found) -> Result<(), Fault> {
        let seq = self.walked + 1;
        let chained = match found {
            Ok(chained) => chained,
            Err(Damaged { seq: known, column }) => return Err(Fault::Column { seq: known.unwrap_or(seq), column }),
        };
        let Chained { seq: place, previous, link, record } = chained;
        if place > seq {
            return Err(Fault::Missing { seq, found: place });
        }
        if place < seq {
            return Err(Fault::OutOfPlace { seq, found: place });
        }
        let link = link_of(&record, seq, &previous, &link)?;
        if previous != self.head {
            return Err(Fault::Unchained { seq });
        }
        (self.walked, self.head) = (seq, link);
        if self.noted == Some(link) {
            self.noted_at = Some(seq);
        }
        Ok(())
    }

    /// There are no more; the table as a whole has so many rows.
    pub fn end(self, rows: i64) -> Result<Whole, Fault> {
        if rows != self.walked {
            return Err(Fault::Outside { rows, walked: self.walked });
        }
        if self.noted.is_some() && self.noted_at.is_none() {
            return Err(Fault::CutTail { end: self.walked });
        }
        Ok(Whole { records: self.walked, head: self.head, noted_at: self.noted_at })
    }
}

/// The record's link, if it is the one its columns lead to.
fn link_of(record: &Record, seq: i64, previous: &[u8], link: &[u8]) -> Result<Hash, Fault> {
    let wrong = |column| move |_| Fault::Column { seq, column };
    let previous: Hash = previous.try_into().map_err(wrong("previous"))?;
    let link: Hash = link.try_into().map_err(wrong("link"))?;
    if record.link(seq, &previous) == link { Ok(link) } else { Err(Fault::Changed { seq }) }
}
