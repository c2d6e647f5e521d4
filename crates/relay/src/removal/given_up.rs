//! The meeting of a cancelled visit in which nobody had met: deleted at Graph once everybody is out, whether or not the
//! organization has people removed, and asked for until Graph has taken it.

use super::{REFUSED_FOR, Seen, Stopped, again, asked};
use crate::arrivals::{Along, ArrivalError};
use crate::keys::KeyError;
use crate::meeting::of_visit::as_made;
use crate::meeting::{Meeting, MeetingError};
use crate::relay::Relay;
use crate::store::{ClaimedRemoval, StoreError};

/// Deletes the meeting of a visit that came to nothing, so that its links open nothing. First the visit gives it up, for good:
/// were the appointment to stand again meanwhile, the visit would not go on in a meeting that is about to go.
pub(super) async fn discard(relay: &Relay, claimed: &ClaimedRemoval) -> Result<Seen, StoreError> {
    let meeting = match given_up(relay, claimed).await {
        Ok(Some(meeting)) => meeting,
        Ok(None) => return Ok(Seen::Over),
        Err(Stopped::Store(error)) => return Err(error),
        Err(_) => return Ok(again(claimed)),
    };
    let Some(meetings) = relay.meetings.get(&claimed.organization) else { return Ok(Seen::Over) };
    let after = match meetings.discard(&meeting).await {
        Ok(()) | Err(MeetingError::Gone) => {
            metrics::counter!("roomed_meetings_deleted_total", "outcome" => "deleted").increment(1);
            return Ok(Seen::Over);
        }
        Err(MeetingError::Unreachable { retry_after }) => asked(retry_after),
        Err(MeetingError::Refused { reason }) => {
            metrics::counter!("roomed_meetings_deleted_total", "outcome" => "refused").increment(1);
            tracing::warn!(
                reason = reason.as_str(),
                "the meeting of a cancelled visit cannot be deleted: its link stays good"
            );
            REFUSED_FOR
        }
    };
    Ok(Seen::Again { after, call: None, refused: None })
}

/// The meeting that its visit does not want any more. Of one that a relay of before made nobody could tell afterwards that it
/// is gone, so it stays.
async fn given_up(relay: &Relay, claimed: &ClaimedRemoval) -> Result<Option<Meeting>, Stopped> {
    let Some(organization) = relay.organization(&claimed.organization) else { return Ok(None) };
    let mut opened = match relay.arrivals.load(&claimed.visit).await {
        Ok(opened) => opened,
        Err(ArrivalError::Unknown | ArrivalError::Key(KeyError::Destroyed)) => return Ok(None),
        Err(error) => return Err(Stopped::at(error)),
    };
    let Some(record) = relay.arrivals.any_meeting(&opened).await.map_err(Stopped::at)? else { return Ok(None) };
    if record.external_id.is_some() && record.is_of(&opened.record) {
        let along = Along { gives_up_meeting: true, ..Along::default() };
        opened = relay.arrivals.update(&claimed.visit, &[], along).await.map_err(Stopped::at)?;
    }
    Ok((!record.is_of(&opened.record)).then(|| as_made(organization, record)))
}
