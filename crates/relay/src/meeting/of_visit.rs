//! The meeting of a visit: found, or made and watched before anybody sees a link, and kept as the visit is: its clinicians
//! may admit, its times are the appointment's. What Graph wants for that is in `teams.rs`.

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
use crate::store::StoredWatch;

impl Relay {
    /// The meeting of a visit: found, or made and watched before anybody sees a link.
    pub async fn ensure_meeting(&self, opened: &Opened) -> Answer<MeetingRecord> {
        self.in_turn(&opened.stored.row.id, async {
            let known = self.arrivals.any_meeting(opened).await?.filter(|it| it.is_of(&opened.record));
            match known {
                Some(known) if known.in_doubt => self.make_meeting(opened, Some(&known)).await,
                Some(meeting) if is_current(&meeting, opened) => Ok(meeting),
                // A meeting that is there can be joined as it stands: the next look brings it along.
                Some(known) => Ok(self.make_meeting(opened, Some(&known)).await.unwrap_or(known)),
                None => self.make_meeting(opened, None).await,
            }
        })
        .await
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
    async fn make_meeting(&self, opened: &Opened, known: Option<&MeetingRecord>) -> Answer<MeetingRecord> {
        let row = &opened.stored.row;
        let organization = self.organization(&row.organization).ok_or(Refusal(ProblemCode::Internal))?;
        let meetings = self.meetings.get(&row.organization).ok_or(Refusal(ProblemCode::Internal))?;
        let mut request = MeetingRequest {
            external_id: opened.record.meeting_external_id.clone(),
            organizer: organizer(organization, known),
            co_organizers: opened.stored.members.iter().map(|member| member.oid.clone()).collect(),
            start: row.planned_start,
            end: row.planned_end,
        };
        let meeting = match meetings.ensure(&request).await {
            // What stands under this external id was deleted, and stays so.
            Err(MeetingError::Gone) => {
                let along = Along { renames_meeting: true, ..Along::default() };
                let renamed = self.arrivals.update(&row.id, &[], along).await?;
                request.external_id = renamed.record.meeting_external_id;
                meetings.ensure(&request).await?
            }
            made => made?,
        };
        let watch = match known {
            Some(known) if known.id == meeting.id => None,
            _ => Some(self.watch(&row.id, &row.organization, &**meetings, &meeting).await?),
        };
        let record = MeetingRecord {
            id: meeting.id,
            join_web_url: meeting.join_web_url,
            patient_join_url: meeting.patient_join_url,
            organizer: Some(request.organizer),
            planned: Some((row.planned_start, row.planned_end)),
            co_organizers: request.co_organizers,
            external_id: Some(request.external_id),
            in_doubt: false,
        };
        let along = Along { meeting: Some((record.clone(), watch)), ..Along::default() };
        let kept = self.arrivals.update(&row.id, &[VisitEvent::Decided(Command::MeetingReady)], along).await?;
        // The visit came to nothing meanwhile: the meeting is on its way out.
        match record.is_of(&kept.record) {
            true => Ok(record),
            false => Err(Refusal(ProblemCode::VisitClosed)),
        }
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
