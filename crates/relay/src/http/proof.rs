//! `POST /launches`: the proof that this clinician was in that chart. Nothing in it is believed until it has been
//! checked here: token, nonce, audience, practitioner, appointment, chart. Only then is a visit found or made.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use roomed_protocol::{FirstLink, LaunchProof, ProblemCode, VisitView};
use roomed_visit::{Command, Oid, ParticipantId, VisitEvent};

use super::companion::{Caller, body, view};
use super::first_link::{self, Asked};
use super::launch::ContextTokens;
use super::problem::{Answer, Refusal};
use crate::arrivals::{Along, Opened};
use crate::config::{EhrConfig, Organization};
use crate::ehr::{Ehr, Together};
use crate::keys::one_time;
use crate::relay::Relay;
use crate::store::{Link, NonceBinding, OneTimeKind};
use crate::trust::{self, Standing};
use crate::wire;

/// `POST /launches`.
pub(super) async fn launch(
    State(relay): State<Arc<Relay>>,
    caller: Caller,
    proof: Result<Json<LaunchProof>, JsonRejection>,
) -> Result<Json<VisitView>, Refused> {
    let proof = body(proof)?;
    let organization = relay.organization(&caller.0.organization).ok_or(Refusal(ProblemCode::WrongTenant))?;
    let ehr = organization.ehr(&proof.iss).ok_or(Refusal(ProblemCode::UnknownIss))?;

    let client = &ehr.companion_client_id;
    let (practitioner, nonce_hash) = who_launched(&relay, &caller, ehr, client, &proof.id_token).await?;
    let asked = Asked::of(&caller, ehr, &practitioner, &nonce_hash);
    let mut consume = vec![(OneTimeKind::Nonce, nonce_hash)];
    let mut may_link = same_person(&relay, &caller, ehr, &practitioner).await?;
    if let (false, Some(word)) = (may_link, &proof.first_link) {
        consume.push(first_link::answered(&relay, word, &asked).await?);
        may_link = true;
    }
    let (scheduled, department) = appointment(&relay, organization, ehr, &proof, &mut consume).await?;
    let chart_of = proof.patient.as_deref();
    let claim = Claim { practitioner, scheduled: &scheduled, department, chart_of, covering: proof.covering, may_link };
    match begin(&relay, &caller, organization, ehr, claim, consume).await {
        Ok(opened) => Ok(Json(view(&relay, &opened, &caller).await?)),
        Err(refused) if refused.refusal.0 == ProblemCode::FirstLink && caller.can_answer_questions() => {
            Err(Refused { question: Some(first_link::ask(&relay, &caller, &asked).await?), ..refused })
        }
        // It could only be asked by a companion that knows the question.
        Err(refused) if refused.refusal.0 == ProblemCode::FirstLink => Err(Refusal(ProblemCode::BadRequest).into()),
        Err(refused) => Err(refused),
    }
}

/// What a launch has proven, by the companion or in the browser.
pub(super) struct Claim<'a> {
    /// FHIR id of the EHR's user.
    pub(super) practitioner: String,
    /// The appointment, or those of the group, as the EHR has them now.
    pub(super) scheduled: &'a Together,
    /// Of the launch record.
    pub(super) department: Option<String>,
    /// The patient whose chart was open.
    pub(super) chart_of: Option<&'a str>,
    /// They say that they cover for a colleague.
    pub(super) covering: bool,
    /// EHR user and Microsoft account are linked, or their clinician has said that they are both.
    pub(super) may_link: bool,
}

/// Lets the clinician begin the visit, if they may.
pub(super) async fn begin(
    relay: &Relay,
    caller: &Caller,
    organization: &Organization,
    ehr: &EhrConfig,
    claim: Claim<'_>,
    consume: Vec<(OneTimeKind, String)>,
) -> Result<Opened, Refused> {
    let Claim { practitioner, scheduled, department, chart_of, covering, may_link } = claim;
    let standing =
        trust::clinician(scheduled, &practitioner, chart_of, covering, organization.covering).map_err(|code| {
            let start = Some(wire::from_rules(wire::to_rules(scheduled.planned().0)));
            Refused { refusal: Refusal(code), start, question: None }
        })?;
    // Last: nobody is asked who they are for a launch that would be refused anyway.
    if !may_link {
        return Err(Refusal(ProblemCode::FirstLink).into());
    }
    let opened = relay.open_visit(organization, ehr, scheduled, department).await?;
    let opened = enter(relay, caller, ehr, opened, practitioner, standing, consume).await?;
    // The meeting is made before the clinician needs it. If Teams refuses, the visit stands and *Join* tries again.
    relay.ensure_meeting(&opened.stored.row.id).await?;
    Ok(relay.arrivals.load(&opened.stored.row.id).await?)
}

/// A refusal that may be a question: "covering for a colleague?" says which visit it is about, by its time; "is this you in
/// both?" says who and who.
pub(super) struct Refused {
    pub(super) refusal: Refusal,
    start: Option<Timestamp>,
    question: Option<FirstLink>,
}

impl<E: Into<Refusal>> From<E> for Refused {
    fn from(error: E) -> Self {
        Self { refusal: error.into(), start: None, question: None }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        if let Some(question) = &self.question {
            return first_link::question(question);
        }
        match self.start {
            Some(start) if self.refusal.0 == ProblemCode::CoveringNeeded => self.refusal.with_start(start),
            _ => self.refusal.into_response(),
        }
    }
}

/// Verifies the EHR's statement: signed by this EHR, for the client that ran this launch, with a nonce that this clinician was
/// given for this `iss` and that is still unused, about a practitioner. Answers with the FHIR id and the nonce's hash.
pub(super) async fn who_launched(
    relay: &Relay,
    caller: &Caller,
    ehr: &EhrConfig,
    client: &str,
    id_token: &str,
) -> Answer<(String, String)> {
    let nonce = one_time::claimed_nonce(id_token).ok_or(Refusal(ProblemCode::IdTokenRefused))?;
    let hash = one_time::hash(&nonce);
    let known = relay.store.peek_once(OneTimeKind::Nonce, &hash, relay.clock.now()).await?;
    let binding = known.and_then(|value| serde_json::from_slice::<NonceBinding>(&value.payload).ok());
    let own = NonceBinding { tid: caller.0.tid.clone(), oid: caller.0.oid.clone(), iss: ehr.iss.clone() };
    if binding != Some(own) {
        return Err(Refusal(ProblemCode::NonceRefused));
    }
    let user = relay.ehr_identity(ehr, client, id_token, &nonce).await?;
    // A PractitionerRole would have to be resolved to its practitioner first: its id is in no appointment and no chart.
    if user.resource_type != "Practitioner" {
        return Err(Refusal(ProblemCode::NotAPractitioner));
    }
    Ok((user.id, hash))
}

/// EHR user and Microsoft identity are linked once. On a shared workstation the person in the chart may not be the one who
/// is signed in to Roomed: their launch must neither act in the other's name nor move the link. False where neither is
/// linked yet: then their clinician is asked.
pub(super) async fn same_person(relay: &Relay, caller: &Caller, ehr: &EhrConfig, practitioner: &str) -> Answer<bool> {
    let recipient = caller.recipient();
    let fhir_user = format!("Practitioner/{practitioner}");
    let linked = relay.store.linked_person(&recipient.organization, &ehr.iss, &fhir_user).await?;
    let own = relay.store.links_of(&recipient).await?;
    let is_linked = linked.is_some();
    let other_account = linked.is_some_and(|person| person != recipient);
    let other_user = own.iter().any(|link| link.iss == ehr.iss && link.fhir_user != fhir_user);
    if other_account || other_user { Err(Refusal(ProblemCode::WrongPerson)) } else { Ok(is_linked) }
}

/// The appointment of the launch: by the handle's context token, else by the chart's encounter.
async fn appointment(
    relay: &Relay,
    organization: &Organization,
    ehr: &EhrConfig,
    proof: &LaunchProof,
    consume: &mut Vec<(OneTimeKind, String)>,
) -> Answer<(Together, Option<String>)> {
    let connection = relay.ehr(&organization.key, &ehr.iss)?;
    let Some(handle) = &proof.handle else {
        let encounter = proof.encounter.as_deref().ok_or(Refusal(ProblemCode::LaunchWithoutAppointment))?;
        return Ok((of_encounter(&**connection, encounter).await?, None));
    };
    let hash = one_time::hash(handle);
    let kept = relay.store.peek_once(OneTimeKind::LaunchHandle, &hash, relay.clock.now()).await?;
    let kept = kept.filter(|value| value.organization == organization.key);
    let kept = kept.and_then(|value| one_time::open(handle, &value.payload));
    let tokens: ContextTokens =
        kept.and_then(|plain| serde_json::from_slice(&plain).ok()).ok_or(Refusal(ProblemCode::HandleUnknown))?;
    if tokens.iss != ehr.iss {
        return Err(Refusal(ProblemCode::HandleUnknown));
    }
    consume.push((OneTimeKind::LaunchHandle, hash));
    let scheduled = Together::of_token(&**connection, &tokens.session_id).await?;
    Ok((scheduled.ok_or(Refusal(ProblemCode::AppointmentNotFound))?, tokens.department))
}

/// Where no context token came along. An encounter is one patient's, so it opens no group: the EHR's https link does, whose
/// token names the conference.
pub(super) async fn of_encounter(ehr: &dyn Ehr, encounter: &str) -> Answer<Together> {
    let found = ehr.appointment_of_encounter(encounter).await?;
    let found = found.filter(|facts| facts.group.is_none()).ok_or(Refusal(ProblemCode::LaunchWithoutAppointment))?;
    Ok(found.into())
}

/// Enters the clinician into the visit, using up nonce and handle in the same commit.
async fn enter(
    relay: &Relay,
    caller: &Caller,
    ehr: &EhrConfig,
    opened: Opened,
    practitioner: String,
    standing: Standing,
    consume: Vec<(OneTimeKind, String)>,
) -> Answer<Opened> {
    let visit = &opened.record.visit;
    let known = opened.record.ehr.people.iter().find(|(who, id)| {
        **id == practitioner
            && visit.participant(who).is_some_and(|person| person.oid().is_some() || !is_patient(person))
    });
    let participant = known.map_or_else(|| ParticipantId::new(relay.random.id()), |(who, _)| who.clone());
    let command = Command::Launched {
        participant: participant.clone(),
        oid: Oid::new(&caller.0.oid),
        covering: standing == Standing::Covering,
    };
    let link = Link {
        organization: caller.0.organization.clone(),
        iss: ehr.iss.clone(),
        fhir_user: format!("Practitioner/{practitioner}"),
        tid: caller.0.tid.clone(),
        oid: caller.0.oid.clone(),
    };
    let along = Along { consume, link: Some(link), people: vec![(participant, practitioner)], ..Along::default() };
    let id = opened.stored.row.id;
    Ok(relay.arrivals.update(&id, &[VisitEvent::Decided(command)], along).await?)
}

fn is_patient(person: &roomed_visit::Participant) -> bool {
    matches!(person.role, roomed_visit::Role::Patient)
}
