//! The meetings of a visit as the door keeps them: the one it has, and those it has given up. Both are sealed under its key.

use super::{Along, ArrivalError, Arrivals, Opened};
use crate::clock::Random;
use crate::keys::{Keys, VisitKey};
use crate::record::MeetingRecord;
use crate::store::{Change, ClaimedGivenUp, Meeting, NewGivenUp};

impl Arrivals {
    /// The meeting of an opened visit to which people may be sent.
    pub async fn meeting(&self, opened: &Opened) -> Result<Option<MeetingRecord>, ArrivalError> {
        Ok(self.any_meeting(opened).await?.filter(|meeting| !meeting.in_doubt && meeting.is_of(&opened.record)))
    }

    /// The same, even if it may have been deleted at Graph.
    pub async fn any_meeting(&self, opened: &Opened) -> Result<Option<MeetingRecord>, ArrivalError> {
        let Some(meeting) = self.store.meeting(&opened.stored.row.id).await? else { return Ok(None) };
        let plain = opened.key.open(meeting_context(&opened.stored.row.id).as_bytes(), &meeting.sealed)?;
        Ok(Some(serde_json::from_slice(&plain).map_err(|_| ArrivalError::Unreadable)?))
    }

    /// A meeting that the opened visit has given up.
    pub fn given_up(&self, opened: &Opened, claimed: &ClaimedGivenUp) -> Result<MeetingRecord, ArrivalError> {
        let context = given_up_context(&opened.stored.row.id, &claimed.id);
        let plain = opened.key.open(context.as_bytes(), &claimed.sealed)?;
        serde_json::from_slice(&plain).map_err(|_| ArrivalError::Unreadable)
    }

    /// What becomes of meetings with a change. A visit that came to nothing gives its meeting up, for good: were the
    /// appointment to stand again, it would not go on in one that is about to be deleted. So does one that gets another.
    pub(super) async fn meetings(&self, opened: &mut Opened, along: &Along) -> Result<OfMeetings, ArrivalError> {
        let mut of = OfMeetings { kept: along.meeting.as_ref().map(|(made, _)| made.clone()), ..OfMeetings::default() };
        let is_for_nothing = opened.record.visit.is_for_nothing();
        // One that was still being made comes too late: to a visit that is over, or that has given it up meanwhile.
        if let Some(late) = of.kept.take_if(|made| is_for_nothing || !made.is_of(&opened.record)) {
            of.given_up.push(late);
        }
        let has_meeting = opened.record.visit.decisions().meeting_ready.is_some();
        if has_meeting && (is_for_nothing || of.kept.is_some()) {
            let another = |known: &MeetingRecord| of.kept.as_ref().is_none_or(|kept| kept.id != known.id);
            let known = self.any_meeting(opened).await?.filter(another);
            of.gives_up = known.is_some();
            of.given_up.extend(known);
        }
        let is_gone = along.renames_meeting.as_ref() == Some(&opened.record.meeting_external_id);
        if !of.given_up.is_empty() && is_for_nothing || is_gone {
            opened.record.meeting_external_id = self.random.id();
        }
        if along.doubts_meeting && !of.gives_up {
            of.kept = self.any_meeting(opened).await?.map(|known| MeetingRecord { in_doubt: true, ..known });
        }
        Ok(of)
    }
}

/// What becomes of meetings with a change.
#[derive(Default)]
pub(super) struct OfMeetings {
    /// The visit's, as it is to stand.
    pub(super) kept: Option<MeetingRecord>,
    /// The one it had is its no more.
    gives_up: bool,
    /// To be deleted.
    given_up: Vec<MeetingRecord>,
}

impl OfMeetings {
    pub(super) fn is_nothing(&self) -> bool {
        self.kept.is_none() && !self.gives_up && self.given_up.is_empty()
    }

    /// As the store keeps them.
    pub(super) fn seal(
        &self,
        change: &mut Change,
        key: &VisitKey,
        keys: &Keys,
        random: &dyn Random,
    ) -> Result<(), ArrivalError> {
        let row = &change.visit;
        let plain = |meeting: &MeetingRecord| serde_json::to_vec(meeting).map_err(|_| ArrivalError::Unreadable);
        if let Some(meeting) = &self.kept {
            let sealed = key.seal(meeting_context(&row.id).as_bytes(), &plain(meeting)?);
            change.meeting =
                Some(Meeting { lookup: keys.lookup(&row.organization, &["meeting", &meeting.id])?, sealed });
        }
        change.gives_up = self.gives_up;
        for meeting in &self.given_up {
            let id = random.id();
            let sealed = key.seal(given_up_context(&row.id, &id).as_bytes(), &plain(meeting)?);
            change.given_up.push(NewGivenUp { id, sealed });
        }
        Ok(())
    }
}

/// The associated data under which a visit's meeting is sealed, so that it cannot be mistaken for the visit itself.
fn meeting_context(visit: &str) -> String {
    format!("{visit}/meeting")
}

/// The same for one that the visit has given up.
fn given_up_context(visit: &str, id: &str) -> String {
    format!("{visit}/given-up/{id}")
}
