//! *Begin virtual visit* at an EHR beside Epic, from its chart and from its portal: who may press, what the launch is bound
//! to, and the token response that comes of it; and who has signed in at the portal, for launches that begin elsewhere. Left
//! out: reading with a person's token.

use super::{Server, Site};
use crate::{
    core::{Hospital, Organization, lock},
    smart::{
        Refused,
        authorize::Door,
        clients::Audience,
        grants::{Code, Launch, Launcher, Subject},
        launch::{self, ClinicianLaunch},
        redeem::Statement,
    },
    web,
};
use axum::http::HeaderMap;
use serde_json::{Value, json};

/// What a person's app is granted.
pub(crate) const SCOPES: [&str; 4] = ["launch", "launch/patient", "openid", "fhirUser"];
const ACCESS_SECONDS: i64 = 570;

/// An appointment, as far as a launch is about it.
pub(crate) struct Booked {
    /// Organization key.
    pub(crate) organization: &'static str,
    pub(crate) appointment_id: String,
    /// Absent: clinicians meet each other.
    pub(crate) patient_id: Option<String>,
    pub(crate) encounter_id: Option<String>,
    /// What the launch record sends as `sessionId`.
    pub(crate) session: String,
}

/// Begins a visit as a user of the chart; `None` while no relay is registered.
pub(crate) fn clinician(hospital: &Hospital, server: &Server, oid: &str, of: &Booked) -> Option<ClinicianLaunch> {
    let site = server.of(of.organization)?;
    let token = mint(hospital, server, Launcher::Clinician { oid: oid.to_owned() }, of);
    let iss = (server.base)(hospital, site);
    let begun = launch::clinician(hospital, site.organization, (&iss, &token), &[("sessionId", &of.session)]);
    begun.inspect(|_| log(hospital, server, "clinician", of))
}

/// Begins a visit as the patient it is for; `None` while no relay is registered.
pub(crate) fn patient(hospital: &Hospital, server: &Server, of: &Booked) -> Option<String> {
    let site = server.of(of.organization)?;
    let token = mint(hospital, server, Launcher::Patient { patient_id: of.patient_id.clone()? }, of);
    let iss = (server.base)(hospital, site);
    let url = launch::patient(hospital, site.organization, (&iss, &token), &of.session);
    url.inspect(|_| log(hospital, server, "patient", of))
}

/// Signs a patient in at the portal: the cookie that says so from then on; `None` for nobody's portal user.
pub(crate) fn sign_in(hospital: &Hospital, server: &Server, organization: &str, portal_user: &str) -> Option<String> {
    let at_epic = hospital.organization(organization)?.patients.iter().find(|it| it.mychart_user == portal_user)?;
    let known = server.of(organization)?.patient(&at_epic.patient_id)?;
    let session = hospital.random.token(40);
    hospital.canaries.secret(&format!("{}.session", server.ehr.word()), &session);
    lock(&server.portal).insert(session.clone(), (organization.to_owned(), known.id.clone()));
    Some(format!("{}={session}", cookie_name(server)))
}

fn cookie_name(server: &Server) -> String {
    format!("sandbox_portal_{}", server.ehr.word())
}

/// Whether the appointment is that of the hospital's patient with this portal user.
pub(crate) fn is_of(organization: &Organization, server: &Server, portal_user: &str, of: &Booked) -> bool {
    let known = server.of(of.organization).and_then(|it| it.patient(of.patient_id.as_deref()?));
    known.and_then(|it| organization.patient(&it.epic_id)).is_some_and(|it| it.mychart_user == portal_user)
}

fn mint(hospital: &Hospital, server: &Server, launcher: Launcher, of: &Booked) -> String {
    let launch = Launch {
        organization: of.organization,
        launcher,
        patient_id: of.patient_id.clone(),
        encounter_id: of.encounter_id.clone(),
    };
    server.grants.launch(hospital, launch)
}

fn log(hospital: &Hospital, server: &Server, by: &str, of: &Booked) {
    let detail = json!({ "organization": of.organization, "appointment_id": of.appointment_id, "by": by });
    hospital.log(server.ehr.word(), "launch.begun", detail);
}

/// A site's authorize endpoint.
pub(crate) fn door<'a>(hospital: &Hospital, server: &'a Server, site: &Site, headers: &HeaderMap) -> Door<'a> {
    let session = web::cookie(headers, &cookie_name(server));
    let signed_in = session.and_then(|it| lock(&server.portal).get(it).cloned());
    Door {
        signed_in: signed_in.filter(|(organization, _)| organization == site.organization).map(|(_, patient)| patient),
        ehr: server.ehr,
        product: server.product,
        organization: site.organization,
        base: (server.base)(hospital, site),
        clients: &server.clients,
        grants: &server.grants,
        scopes: granted_scopes,
    }
}

fn granted_scopes(asked: &str, audience: Audience) -> Option<Vec<String>> {
    if asked.contains("system/") {
        return None;
    }
    let may = |it: &&str| SCOPES.contains(it) && (audience == Audience::Patient || *it != "launch/patient");
    let granted = asked.split_whitespace().filter(may);
    Some(granted.map(str::to_owned).collect())
}

/// The token response to a code.
pub(crate) fn granted(
    hospital: &Hospital,
    server: &Server,
    site: &Site,
    code: &Code,
    text: Option<&str>,
) -> Result<Value, Refused> {
    let launch = &code.launch;
    let base = (server.base)(hospital, site);
    let patient_id = launch.patient_id.clone();
    let (subject, kind, id) = match &launch.launcher {
        Launcher::Clinician { oid } => {
            let left = Refused::new("invalid_grant", "the user has left");
            let person = hospital.organization(site.organization).and_then(|it| it.person(oid)).ok_or(left)?;
            let known = person.practitioner_id.as_deref().and_then(|it| site.practitioner(it));
            let (kind, id) = match known {
                Some(known) => ("Practitioner", known.id.clone()),
                None => ("Person", person.emp.clone().unwrap_or_default()),
            };
            (Subject::User { patient_id }, kind, id)
        }
        Launcher::Patient { patient_id } => {
            (Subject::Patient { patient_id: patient_id.clone() }, "Patient", patient_id.clone())
        }
        Launcher::Proxy { .. } => return Err(Refused::new("invalid_grant", "this portal knows no proxies")),
    };
    let is_clinician = matches!(subject, Subject::User { .. });
    let scopes = code.scopes.clone();
    let access = server.grants.access(hospital, site.organization, subject, scopes, ACCESS_SECONDS, text);
    let mut body = json!({
        "access_token": access, "token_type": "Bearer", "expires_in": ACCESS_SECONDS, "scope": code.scopes.join(" "),
    });
    if let Some(patient) = &launch.patient_id {
        body["patient"] = Value::from(patient.as_str());
    }
    if let Some(encounter) = launch.encounter_id.as_deref().filter(|_| is_clinician) {
        body["encounter"] = Value::from(encounter);
    }
    let (issuer, fhir_user) = ((server.authority)(hospital, site), format!("{base}/{kind}/{id}"));
    let statement = Statement { ehr: server.ehr, key: &server.key, issuer, sub: &id, fhir_user };
    if let Some(token) = statement.sign(hospital, code) {
        body["id_token"] = Value::from(token);
    }
    let detail = json!({ "grant": "authorization_code", "organization": site.organization, "for": kind });
    hospital.log(server.ehr.word(), "token.issued", detail);
    Ok(body)
}
