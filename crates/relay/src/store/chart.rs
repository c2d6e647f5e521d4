//! Chart marks: what the newest rows of a visit's people say, whatever the database they were read from.

use std::collections::BTreeMap;

use super::StoreError;
use super::outbox::{ChartRow, ChartWord, EntryState};
use super::steps::at;

/// `participant, state, for_identifier, accepted_at, delivered_at, reason` of a row.
pub(super) type Raw = (String, i64, bool, i64, Option<i64>, Option<String>);

/// One mark per participant, from rows in order of acceptance without those that were superseded.
pub(super) fn marks(rows: Vec<Raw>) -> Result<Vec<ChartRow>, StoreError> {
    use EntryState as S;
    let mut newest = BTreeMap::new();
    for (participant, state, for_identifier, accepted_at, delivered_at, reason) in rows {
        let reason = reason.unwrap_or_default();
        let word = match (S::of_number(state)?, delivered_at) {
            (S::Waiting | S::InFlight | S::Delivered | S::Skipped, Some(delivered_at)) => {
                ChartWord::Written { at: at(delivered_at)? }
            }
            (S::Waiting, None) if for_identifier => ChartWord::WaitingForIdentifier { since: at(accepted_at)? },
            (S::Waiting | S::InFlight, None) => ChartWord::Pending { since: at(accepted_at)? },
            (S::Parked | S::Quarantined, _) => ChartWord::Parked { reason },
            (S::Unsupported, _) | (S::Skipped, None) => ChartWord::Unsupported { reason },
            (S::Delivered, None) | (S::Superseded, _) => return Err(StoreError::Unreadable("outbox state")),
        };
        newest.insert(participant, word);
    }
    Ok(newest.into_iter().map(|(participant, word)| ChartRow { participant, word }).collect())
}
