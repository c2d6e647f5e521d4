//! The patient's older way in: Epic's encrypted link, opened by the portal in the browser of somebody who is signed in there.
//! It is good for whoever holds it until it expires, and CBC proves nothing, so the EHR is asked whether the appointment is
//! this patient's. Then the browser gets the page's cookie and is sent on, and the link is in no address bar.

use axum::response::Response;
use roomed_protocol::ProblemCode;

use super::entering::{Entrant, enter, on_to_page};
use super::language::Language;
use super::patient_page;
use super::problem::Refusal;
use crate::config::{ContextNames, EhrConfig, Organization};
use crate::context_link::{Facts, Fault, Opener};
use crate::ehr::{EhrError, Together};
use crate::query::Query;
use crate::relay::Relay;
use crate::trust;

/// Why nobody is let in.
enum Refused {
    /// By the link.
    Link(Fault),
    /// By the appointment, or by whom we asked about it.
    Visit(Refusal),
}

/// Answers a link of an approved EHR connection; `None`: there is none in this query.
pub(super) async fn open(relay: &Relay, key: &str, query: &Query, language: Language) -> Option<Response> {
    let organization = relay.organization(key)?;
    let read = read(relay, organization, query)?;
    let entered = match read {
        Ok((ehr, facts)) => admit(relay, organization, ehr, &facts).await,
        Err(fault) => Err(Refused::Link(fault)),
    };
    Some(match entered {
        Ok(secret) => on_to_page(relay, &secret),
        Err(Refused::Visit(refusal)) => patient_page::refusal(refusal, language),
        Err(Refused::Link(fault)) => {
            tracing::info!(%fault, "a patient was not let in");
            patient_page::no_way_in(fault, language)
        }
    })
}

/// Reads the link with the rules of each connection that has a parameter of this name: it opens under one secret only.
fn read<'a>(
    relay: &Relay,
    organization: &'a Organization,
    query: &Query,
) -> Option<Result<(&'a EhrConfig, Facts), Fault>> {
    let mut is_configured = false;
    let mut found = None;
    for ehr in &organization.ehr {
        let Some(rules) = &ehr.context_link else { continue };
        is_configured = true;
        let links = relay.context_links.get(&(organization.key.clone(), ehr.iss.clone()));
        if let (Some(links), Some(_), None | Some(Err(Fault::Altered))) = (links, query.get(&rules.names.query), &found)
        {
            let facts = links.open(|name| query.get(name), relay.clock.now());
            found = Some(facts.map(|facts| (ehr, facts)));
        }
    }
    let meant = query.get(&ContextNames::default().query).is_some();
    found.or_else(|| (meant && !is_configured).then_some(Err(Fault::NotConfigured)))
}

async fn admit(relay: &Relay, organization: &Organization, ehr: &EhrConfig, facts: &Facts) -> Result<String, Refused> {
    let (patient, entrant) = match &facts.opener {
        Opener::Patient(patient) => (patient, Entrant::Patient),
        Opener::Proxy { patient, proxy } => (patient, Entrant::Proxy(format!("link/{}", proxy.expose()))),
        Opener::Practitioner(_) => return Err(refusal(ProblemCode::LinkRefused)),
    };
    let connection = relay.ehr(&organization.key, &ehr.iss).map_err(Refused::Visit)?;
    let read = |error: EhrError| Refused::Visit(error.into());
    let number = facts.appointment.expose();
    // By an appointment's own number it must be that one's patient; by a group's conference id, any of its patients.
    let named = match connection.appointment_by_identifier(number).await.map_err(read)? {
        Some(only) => Some(only.into()),
        None => Together::of(connection.appointments_of_conference(number).await.map_err(read)?),
    };
    let named = named.ok_or(refusal(ProblemCode::AppointmentNotFound))?;
    let mut own = None;
    let mut without = true;
    for appointment in named.all() {
        let Some(fhir_id) = &appointment.patient else { continue };
        let said = connection.patient_number(fhir_id).await.map_err(read)?;
        without &= said.is_none();
        if said.as_deref() == Some(patient.expose()) {
            own = Some(appointment);
            break;
        }
    }
    let Some(own) = own else {
        // One answer for both: only the clinic needs to know which it is.
        tracing::warn!(without, "an encrypted link's patient is not the appointment's, or has no number in the EHR");
        return Err(Refused::Link(Fault::Altered));
    };
    trust::can_be_held(own).map_err(refusal)?;
    let scheduled = Together::around(&**connection, own.clone()).await.map_err(read)?;
    enter(relay, organization, ehr, &scheduled, own, entrant).await.map_err(Refused::Visit)
}

fn refusal(code: ProblemCode) -> Refused {
    Refused::Visit(Refusal(code))
}
