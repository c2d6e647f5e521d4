//! The meeting of a visit: found, or made and watched before anybody sees a link, and kept as the visit is: its clinicians
//! may admit, its times are the appointment's. What Graph wants for that is in `teams.rs`.

use std::sync::Arc;

use roomed_protocol::ProblemCode;
use roomed_visit::{Command, VisitEvent};
use secrecy::SecretString;

use super::graph::client_state_hash;
use super::{Meeting, MeetingError, MeetingRequest, Meetings};
use crate::arrivals::{Along, Opened};
use crate::config::Organization;
use crate::http::{Answer, Refusal};
use crate::record::MeetingRecord;
use crate::relay::Relay;
use crate::store::{StoredWatch, VisitRow};

impl Relay {
    /// The meeting of a visit: found, or made and watched before anybody sees a link.
    pub async fn ensure_meeting(&self, visit: &str) -> Answer<MeetingRecord> {
        // Looked at when it is our turn: whoever had it before us may have made the meeting, and the EHR moved it.
        self.in_turn(visit, Box::pin(self.ensure_now(visit))).await
    }

    async fn ensure_now(&self, visit: &str) -> Answer<MeetingRecord> {
        let opened = self.arrivals.load(visit).await?;
        let known = self.known(&opened).await?;
        match known {
            Some(known) if !known.in_doubt && is_current(&known, &opened) => return Ok(known),
            _ => {}
        }
        match self.ask_for_meeting(&opened, known.as_ref()).await? {
            Ok(made) => self.keep_meeting(&opened, known.as_ref(), made).await,
            // What stands under this external id was deleted, and stays so. Another node may have found that as well: what
            // is agreed on counts.
            Err(MeetingError::Gone) => {
                let found = self.arrivals.load(visit).await?;
                // Whoever is inside has a meeting, whatever Graph says of it, and who comes meets them there. Another is made
                // once the last of them has left.
                if let (Some(met), true) = (self.arrivals.meeting(&found).await?, found.record.visit.is_met_in()) {
                    return Ok(met);
                }
                let along = Along { renames_meeting: Some(opened.record.meeting_external_id), ..Along::default() };
                let renamed = self.arrivals.update(visit, &[], along).await?;
                let known = self.known(&renamed).await?;
                let made = self.ask_for_meeting(&renamed, known.as_ref()).await??;
                self.keep_meeting(&renamed, known.as_ref(), made).await
            }
            // A meeting that is there can be joined as it stands: the next look brings it along.
            Err(error) => match self.arrivals.meeting(&self.arrivals.load(visit).await?).await? {
                Some(stands) => Ok(stands),
                None => Err(error.into()),
            },
        }
    }

    /// What is kept as the visit's meeting, in doubt or not.
    async fn known(&self, opened: &Opened) -> Answer<Option<MeetingRecord>> {
        Ok(self.arrivals.any_meeting(opened).await?.filter(|it| it.is_of(&opened.record)))
    }

    /// Runs what makes or watches a meeting, one at a time per visit.
    pub async fn in_turn<T>(&self, visit: &str, work: impl Future<Output = T>) -> T {
        self.making.take(visit, work).await
    }

    /// True while some watch may exist at Graph that the store does not know yet.
    pub async fn is_making_a_watch(&self) -> bool {
        !self.making.is_idle()
    }

    /// Makes the meeting, or (asked again under the same external id) gives the one there is its new co-organizers and
    /// times. It stays under the organizer it was made under.
    async fn ask_for_meeting(
        &self,
        opened: &Opened,
        known: Option<&MeetingRecord>,
    ) -> Answer<Result<(MeetingRequest, Meeting), MeetingError>> {
        let row = &opened.stored.row;
        let organization = self.organization(&row.organization).ok_or(Refusal(ProblemCode::Internal))?;
        let request = MeetingRequest {
            external_id: opened.record.meeting_external_id.clone(),
            organizer: organizer(organization, known),
            co_organizers: opened.stored.members.iter().map(|member| member.oid.clone()).collect(),
            start: row.planned_start,
            end: row.planned_end,
        };
        Ok(self.meetings_of(row)?.ensure(&request).await.map(|meeting| (request, meeting)))
    }

    /// Keeps it as the visit's, watched.
    async fn keep_meeting(
        &self,
        opened: &Opened,
        known: Option<&MeetingRecord>,
        (request, meeting): (MeetingRequest, Meeting),
    ) -> Answer<MeetingRecord> {
        let row = &opened.stored.row;
        let watch = match known {
            Some(known) if known.id == meeting.id => None,
            _ => Some(self.watch(&row.id, &row.organization, &**self.meetings_of(row)?, &meeting).await?),
        };
        let record = MeetingRecord {
            id: meeting.id,
            join_web_url: meeting.join_web_url,
            patient_join_url: meeting.patient_join_url,
            organizer: Some(request.organizer),
            planned: Some((request.start, request.end)),
            co_organizers: request.co_organizers,
            external_id: Some(request.external_id),
            in_doubt: false,
        };
        let subscription = watch.as_ref().map(|watch| watch.subscription.clone());
        let along = Along { meeting: Some((record.clone(), watch)), ..Along::default() };
        let kept = self.arrivals.update(&row.id, &[VisitEvent::Decided(Command::MeetingReady)], along).await?;
        if record.is_of(&kept.record) {
            return Ok(record);
        }
        // The visit came to nothing meanwhile: the meeting is on its way out.
        if let Some(subscription) = subscription {
            self.unwatch(&**self.meetings_of(row)?, &subscription).await;
        }
        Err(Refusal(ProblemCode::VisitClosed))
    }

    /// Ends a hold that is not kept.
    pub(crate) async fn unwatch(&self, meetings: &dyn Meetings, subscription: &str) {
        if let Err(error) = meetings.unwatch(subscription).await {
            tracing::info!(%error, "a watch that nobody needs could not be ended; it runs out by itself");
        }
    }

    fn meetings_of(&self, row: &VisitRow) -> Answer<&Arc<dyn Meetings>> {
        self.meetings.get(&row.organization).ok_or(Refusal(ProblemCode::Internal))
    }

    /// Subscribes to a meeting's events under a fresh secret, of which only the hash is kept.
    pub async fn watch(
        &self,
        visit: &str,
        organization: &str,
        meetings: &dyn Meetings,
        meeting: &Meeting,
    ) -> Result<StoredWatch, MeetingError> {
        let client_state = self.random.token();
        let hash = client_state_hash(&client_state);
        let watch = meetings.watch(meeting, &SecretString::from(client_state)).await?;
        Ok(StoredWatch {
            subscription: watch.subscription_id,
            organization: organization.to_owned(),
            visit: visit.to_owned(),
            client_state_hash: hash,
            certificate_id: watch.certificate_id,
            expires_at: watch.expires_at,
        })
    }
}

/// Under whom the meeting was made or, while there is none, is to be made.
pub(crate) fn organizer(organization: &Organization, known: Option<&MeetingRecord>) -> String {
    let recorded = known.and_then(|meeting| meeting.organizer.clone());
    recorded.unwrap_or_else(|| organization.organizer_oid.clone())
}

/// What is kept of a meeting, as Graph is asked about it.
pub(crate) fn as_made(organization: &Organization, record: MeetingRecord) -> Meeting {
    Meeting {
        organizer: organizer(organization, Some(&record)),
        id: record.id,
        join_web_url: record.join_web_url,
        patient_join_url: record.patient_join_url,
        virtual_appointment: false,
        thread: None,
    }
}

/// Everybody who has to may admit, and it stands at the time of the appointment.
fn is_current(meeting: &MeetingRecord, opened: &Opened) -> bool {
    let row = &opened.stored.row;
    let may_admit = opened.stored.members.iter().all(|it| meeting.co_organizers.contains(&it.oid));
    may_admit && meeting.planned.is_none_or(|planned| planned == (row.planned_start, row.planned_end))
}
