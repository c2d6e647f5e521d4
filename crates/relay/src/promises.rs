//! What the EHR is to be told because a visit changed: effects of the rules become intents, one per door the EHR
//! connection has, and intents become sealed rows of the outbox. What the EHR has no door for at all gets no row: it is
//! counted, once it is so. Nothing here decides what is so; that is the rules' part.

use jiff::Timestamp;
use roomed_visit::Effect;

use crate::arrivals::ArrivalError;
use crate::clock::Random;
use crate::config::{Config, EhrConfig};
use crate::ehr;
use crate::keys::{Keys, VisitKey};
use crate::outbox::{self, About, Attendance, WriteBack};
use crate::record::Record;
use crate::store::{Channel, NewOutboxEntry, VisitRow};
use crate::wire;

/// What is new about a visit, beside the record as it stands now.
pub(crate) struct News<'a> {
    /// The stage's word before; empty for a visit that is new.
    pub(crate) before: &'a str,
    /// What the rules made of the change.
    pub(crate) effects: &'a [Effect],
    /// The meeting was made, or remade, with this change.
    pub(crate) meeting: bool,
    /// The planned times changed.
    pub(crate) moved: bool,
    /// The time of the change.
    pub(crate) now: Timestamp,
}

/// What follows.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Promises {
    /// What the EHR is to be told, in order.
    pub(crate) intents: Vec<WriteBack>,
    /// What this vendor's EHRs have no place for.
    pub(crate) unsupported: Vec<Unsupported>,
}

/// Words for what will not be told, and for the vendor.
pub(crate) type Unsupported = (&'static str, &'static str);

/// Counts what will not be told. For after the commit: one that is tried again must not count twice.
pub(crate) fn count(unsupported: &[Unsupported]) {
    for (about, vendor) in unsupported {
        tracing::debug!(about, vendor, "this EHR has no place for it");
        metrics::counter!("roomed_ehr_unsupported_total", "about" => *about, "vendor" => *vendor).increment(1);
    }
}

/// What follows for the EHR.
pub(crate) fn of(config: &Config, organization: &str, record: &Record, news: &News<'_>) -> Promises {
    let references = &record.ehr;
    let Some(known) = config.organization(organization) else { return Promises::default() };
    let Some(connection) = known.ehr(&references.iss) else {
        // It was taken out of the configuration while the visit was open: the promise is kept as a row that says so.
        let intents = attendances(record, news, false).into_iter().map(|about| gone(record, about)).collect();
        return Promises { intents, ..Promises::default() };
    };
    let mut abouts = attendances(record, news, false);
    let stage = wire::stage_word(&record.visit.stage(wire::to_rules(news.now)));
    // What time alone makes of a backup (nobody came, it is over) may be long overtaken.
    // Where no patient is to come, none has missed anything.
    let is_missed = stage == "noshow" && record.visit.patients().next().is_none();
    // A visit is cancelled by the EHR's own word alone. Said back, it would only stand in the way of one that is booked again.
    let is_theirs = stage == "cancelled";
    if stage != news.before && !record.visit.is_in_doubt() && !is_missed && !is_theirs {
        abouts.push(About::Stage { stage: stage.to_owned(), at: news.now });
    }
    // The links say from when until when they are good.
    let has_meeting = record.visit.decisions().meeting_ready.is_some();
    if (news.meeting || (news.moved && has_meeting)) && record.visit.patients().next().is_some() {
        abouts.push(links(config, organization, connection, record));
    }
    let doors = |about: About| {
        let patient = patient(record, &about);
        // A message stands in a chart: what is of no one patient has none to stand in.
        let has_place = |channel: &Channel| *channel != Channel::Message || patient.is_some();
        let channels: Vec<_> = ehr::channels(connection, &about).into_iter().filter(has_place).collect();
        let intent = |channel| WriteBack::new(references, patient.clone(), channel, about.clone());
        channels.into_iter().map(intent).collect::<Vec<_>>()
    };
    // What is only said again goes where it replaces what was said before: a second event would be one too many.
    let again =
        attendances(record, news, true).into_iter().flat_map(doors).filter(|intent| intent.channel.supersedes());
    let has_no_door = |about: &&About| ehr::channels(connection, about).is_empty();
    let unsupported = abouts.iter().filter(has_no_door).map(|it| (it.as_str(), connection.vendor.as_str())).collect();
    Promises { intents: abouts.into_iter().flat_map(doors).chain(again).collect(), unsupported }
}

/// The intents as rows: sealed under the visit's key, each in the stream of its participant and door.
pub(crate) fn sealed(
    intents: Vec<WriteBack>,
    visit: &VisitRow,
    key: &VisitKey,
    keys: &Keys,
    random: &dyn Random,
    now: Timestamp,
) -> Result<Vec<NewOutboxEntry>, ArrivalError> {
    let seal = |intent: WriteBack| {
        let plain = serde_json::to_vec(&intent).map_err(|_| ArrivalError::Unreadable)?;
        let id = random.id();
        let participant = intent.participant().to_owned();
        let about = [intent.iss.as_bytes(), intent.appointment.as_bytes(), participant.as_bytes()];
        Ok(NewOutboxEntry {
            sealed: key.seal(id.as_bytes(), &plain),
            reference: keys.ledger(&visit.organization, &about)?,
            digest: keys.ledger(&visit.organization, &[&plain])?,
            id,
            stream: format!("{}/{participant}/{}", visit.id, intent.channel.as_str()),
            channel: intent.channel,
            participant,
            ehr: intent.iss,
            run_at: now,
        })
    };
    intents.into_iter().map(seal).collect()
}

fn attendances(record: &Record, news: &News<'_>, said_again: bool) -> Vec<About> {
    let attendance = |effect: &Effect| {
        let Effect::WriteBack { participant, status, at, again } = effect else { return None };
        if *again != said_again {
            return None;
        }
        let person = record.visit.participant(participant)?;
        let fhir_id = record.ehr.people.get(participant)?;
        let at = wire::from_rules(*at);
        Attendance::new(participant, person, fhir_id, *status, at).map(About::Attendance)
    };
    news.effects.iter().filter_map(attendance).collect()
}

fn gone(record: &Record, about: About) -> WriteBack {
    let patient = patient(record, &about);
    WriteBack::new(&record.ehr, patient, Channel::State, about)
}

/// Whose chart it is about: the patient's own and, of what is everybody's, that of the only patient. In a group, what a
/// clinician does is in no one patient's chart.
fn patient(record: &Record, about: &About) -> Option<String> {
    if let About::Attendance(attendance) = about
        && attendance.role == outbox::Role::Patient
    {
        return Some(attendance.fhir_id.clone());
    }
    let mut patients = record.visit.patients();
    match (patients.next(), patients.next()) {
        (Some(only), None) => record.ehr.people.get(only).cloned(),
        _ => None,
    }
}

/// Our own pages, not the meeting's: a link on an appointment must work before the meeting does and tell who came. Nobody
/// adds anything to such a link, so it says itself which appointment it is: by its id, as the launch record of the one EHR
/// that shows links does.
fn links(config: &Config, organization: &str, connection: &EhrConfig, record: &Record) -> About {
    let page = |name: &str| {
        let mut page = format!("{}/o/{organization}/{name}?iss=", config.public_url);
        page.extend(url::form_urlencoded::byte_serialize(connection.iss.as_bytes()));
        page.push_str("&sessionId=");
        page.extend(url::form_urlencoded::byte_serialize(record.ehr.appointment.as_bytes()));
        page
    };
    let plan = record.visit.plan();
    About::Links {
        provider: page("launch"),
        patient: page("patient"),
        from: wire::from_rules(plan.start),
        until: wire::from_rules(plan.end),
    }
}

#[cfg(test)]
mod tests;
