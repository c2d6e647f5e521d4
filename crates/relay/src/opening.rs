//! From appointments to their visit: found or made, and brought to what the EHR says now. In a group every patient has an
//! appointment of their own; whoever's has the group's conference id is in its visit, and whose is cancelled is not awaited.

use std::collections::BTreeMap;

use roomed_visit::{Command, Expected, Oid, Participant, ParticipantId, Plan, Visit, VisitEvent};

use crate::arrivals::{Along, ArrivalError, Opened};
use crate::config::{EhrConfig, Organization};
use crate::ehr::{AppointmentFacts, Together};
use crate::http::Answer;
use crate::record::{EhrReferences, Line, Record};
use crate::relay::Relay;
use crate::store::StoreError;
use crate::wire;

/// Practitioners by FHIR id, with the Microsoft identity where an earlier launch has linked it.
type Linked = Vec<(String, Option<Oid>)>;

impl Relay {
    /// Finds or makes the visit of these appointments. Clinicians whom an earlier launch linked are known from the start,
    /// so that a patient who comes first is announced to them.
    pub async fn open_visit(
        &self,
        organization: &Organization,
        ehr: &EhrConfig,
        scheduled: &Together,
        department: Option<String>,
    ) -> Answer<Opened> {
        let linked = self.linked(&organization.key, &ehr.iss, scheduled).await.map_err(ArrivalError::from)?;
        let record = self.new_record(&ehr.iss, scheduled, &linked, department);
        let opened = self.arrivals.find_or_create(&organization.key, record).await?;
        Ok(self.refresh(opened, scheduled, linked).await?)
    }

    /// What the EHR's appointments say now, applied to their visit: moved, given to somebody else, and in a group somebody
    /// new or somebody cancelled.
    pub async fn refresh_from(&self, opened: Opened, scheduled: &Together) -> Result<Opened, ArrivalError> {
        let linked = self.linked(&opened.stored.row.organization, &opened.record.ehr.iss, scheduled).await?;
        self.refresh(opened, scheduled, linked).await
    }

    fn new_record(
        &self,
        iss: &str,
        scheduled: &Together,
        linked: &[(String, Option<Oid>)],
        department: Option<String>,
    ) -> Record {
        let (mut references, mut people, mut lines) = (BTreeMap::new(), Vec::new(), BTreeMap::new());
        let first = scheduled.first();
        for facts in scheduled.standing() {
            let Some(patient) = &facts.patient else { continue };
            let id = ParticipantId::new(self.random.id());
            references.insert(id.clone(), patient.clone());
            if facts.id != first.id {
                lines.insert(id.clone(), line_of(facts));
            }
            people.push((id, Participant::patient()));
        }
        for (practitioner, oid) in linked {
            let id = ParticipantId::new(self.random.id());
            references.insert(id.clone(), practitioner.clone());
            people.push((id, Participant::practitioner(oid.clone())));
        }
        Record {
            visit: Visit::open(plan_of(scheduled), wire::policy(&self.config.visit), people),
            ehr: EhrReferences {
                iss: iss.to_owned(),
                appointment: first.id.clone(),
                conference_id: first.conference_id.clone(),
                department,
                people: references,
                lines,
                location: first.location.clone(),
                group: scheduled.group().map(str::to_owned),
            },
            meeting_external_id: self.random.id(),
            delegates_told: false,
            invitations: BTreeMap::new(),
            places: BTreeMap::new(),
        }
    }

    /// The practitioners on the appointments.
    async fn linked(&self, organization: &str, iss: &str, scheduled: &Together) -> Result<Linked, StoreError> {
        let practitioners: Vec<String> = scheduled.practitioners().into_iter().cloned().collect();
        self.learn_names(organization, iss, &practitioners);
        let mut linked = Vec::new();
        for practitioner in practitioners {
            let fhir_user = format!("Practitioner/{practitioner}");
            let person = self.store.linked_person(organization, iss, &fhir_user).await?;
            linked.push((practitioner, person.map(|person| Oid::new(person.oid))));
        }
        Ok(linked)
    }

    /// The appointments may have moved, or been given to somebody else, since the visit was made.
    async fn refresh(&self, opened: Opened, scheduled: &Together, linked: Linked) -> Result<Opened, ArrivalError> {
        let known = &opened.record.ehr.people;
        let place = |practitioner: &String| {
            // Another kind of person may have the same bare id.
            let is_one = |who| opened.record.visit.participant(who).is_some_and(|person| person.is_practitioner());
            let found = known.iter().find(|(who, fhir_id)| *fhir_id == practitioner && is_one(*who));
            found.map_or_else(|| ParticipantId::new(self.random.id()), |(who, _)| who.clone())
        };
        let placed: Vec<_> =
            linked.into_iter().map(|(practitioner, oid)| (place(&practitioner), practitioner, oid)).collect();
        let practitioners = placed.iter().map(|(who, _, oid)| (who.clone(), oid.clone())).collect();
        let people = placed.into_iter().map(|(who, practitioner, _)| (who, practitioner)).collect();
        let mut along = Along { people, ..Along::default() };
        let mut events = self.patients(&opened, scheduled, &mut along)?;
        let stands = scheduled.all().iter().any(AppointmentFacts::stands);
        // Of a group, whoever is booked anew opens it again.
        if stands && opened.record.ehr.group.is_none() && opened.record.visit.is_called_off() {
            events.push(Command::Reinstate);
        }
        events.push(Command::Refresh { plan: plan_of(scheduled), practitioners });
        let id = &opened.stored.row.id;
        if let Some(conference) = &along.group
            && let Some(groups) = self.arrivals.visit_of_group(&opened, conference).await?
        {
            let decisions = opened.record.visit.decisions();
            let is_under_way = decisions.called.is_some() || decisions.meeting_ready.is_some();
            if is_under_way || groups.closed_at.is_some() {
                // It goes on as it began, or there is nowhere to go.
                return Ok(opened);
            }
            // Two visits of what is one group now: who waits in this one is told to open their link again.
            return self.arrivals.update(id, &[VisitEvent::Decided(Command::Cancel)], Along::default()).await;
        }
        let events: Vec<_> = events.into_iter().map(VisitEvent::Decided).collect();
        self.arrivals.update(id, &events, along).await
    }

    /// Who is new in a group, who is to come no more, and whose line is another appointment's now. The visit of one
    /// appointment keeps its patient; one that had none gets them, and one that was made part of a group becomes the group's.
    fn patients(&self, opened: &Opened, scheduled: &Together, along: &mut Along) -> Result<Vec<Command>, ArrivalError> {
        let Record { visit, ehr, .. } = &opened.record;
        let mut events = Vec::new();
        match (&ehr.group, scheduled.group()) {
            (Some(ours), theirs) if theirs != Some(ours) => return Ok(events),
            (None, Some(conference)) => along.group = Some(conference.to_owned()),
            (None, None) if visit.patients().next().is_some() => return Ok(events),
            _ => {}
        }
        for facts in scheduled.all() {
            let Some(patient) = &facts.patient else { continue };
            match (opened.record.patient(patient), facts.stands()) {
                (Some(who), false) if !visit.is_withdrawn(who) => {
                    events.push(Command::Withdraw { participant: who.clone() });
                }
                (Some(who), true) => {
                    if visit.is_withdrawn(who) {
                        events.push(Command::Expect { participant: who.clone(), whom: Expected::Patient });
                    }
                    if ehr.line(who) != line_of(facts) {
                        along.lines.push((who.clone(), line_of(facts)));
                    }
                }
                (None, true) => {
                    let who = self.place_of(opened, patient)?;
                    events.push(Command::Expect { participant: who.clone(), whom: Expected::Patient });
                    along.people.push((who.clone(), patient.clone()));
                    along.lines.push((who, line_of(facts)));
                }
                _ => {}
            }
        }
        Ok(events)
    }

    /// The same place whoever comes to know of a patient first, and on whatever node: it is made of who they are.
    fn place_of(&self, opened: &Opened, patient: &str) -> Result<ParticipantId, ArrivalError> {
        let row = &opened.stored.row;
        let keyed = self.keys.lookup(&row.organization, &["participant", &row.id, patient])?;
        Ok(ParticipantId::new(keyed.0.iter().take(16).map(|byte| format!("{byte:02x}")).collect::<String>()))
    }
}

fn line_of(facts: &AppointmentFacts) -> Line {
    Line { appointment: facts.id.clone(), conference_id: facts.conference_id.clone() }
}

fn plan_of(scheduled: &Together) -> Plan {
    let (start, end) = scheduled.planned();
    Plan { start: wire::to_rules(start), end: wire::to_rules(end) }
}
