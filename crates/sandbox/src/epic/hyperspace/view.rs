//! How Hyperspace looks: the sign-in list, the schedule grid and its side panel, put together from the templates.

use super::{
    super::{
        Appointment, Mark,
        chart::STATUSES,
        local_time::{age, next_quarter, written},
        marks::marks,
    },
    HOME,
};
use crate::{
    core::{Hospital, Organization, Person},
    pages::{Markup, Page},
    web::Parameters,
};
use axum::{http::StatusCode, response::Response};
use jiff::SignedDuration;

const ALL: &str = "all";
const NO_PATIENT: &str = "No patient";

/// The address of the schedule with a provider's rows and an appointment in the side panel.
pub(super) fn address(provider: &str, appointment: &str) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("provider", provider), ("appointment", appointment)])
        .finish();
    format!("{HOME}?{query}")
}

pub(super) fn sign_in(hospital: &Hospital) -> Response {
    let hospitals = hospital.organizations.iter().map(|organization| {
        let users = organization.people.iter().filter_map(|person| {
            let user = person.emp_user.as_deref()?;
            let role = if person.practitioner_id.is_some() { "Physician" } else { "Staff" };
            let page = Page::new(include_str!("../../../pages/hyperspace-user.html"));
            Some(page.text("user", user).text("name", &person.name).text("role", role).piece())
        });
        Page::new(include_str!("../../../pages/hyperspace-hospital.html"))
            .text("name", organization.name)
            .markup("users", Markup::join(users))
            .piece()
    });
    Page::new(include_str!("../../../pages/hyperspace-sign-in.html"))
        .markup("hospitals", Markup::join(hospitals))
        .respond(StatusCode::OK)
}

pub(super) fn schedule(
    hospital: &Hospital,
    organization: &Organization,
    person: &Person,
    query: &Parameters,
) -> Response {
    let own = person.practitioner_id.as_deref().unwrap_or(ALL);
    let provider =
        query.one("provider").filter(|it| *it == ALL || organization.practitioner(it).is_some()).unwrap_or(own);
    let now = hospital.clock.now();
    let around = |it: &Appointment| it.start.duration_since(now).abs() <= SignedDuration::from_hours(18);
    let shown = hospital.epic.chart.appointments(|it| {
        it.organization == organization.key
            && around(it)
            && (provider == ALL || it.practitioners().any(|it| it == provider))
    });
    let selected = query.one("appointment").and_then(|id| hospital.epic.chart.appointment(id));
    let selected = selected.filter(|it| it.organization == organization.key);

    let rows = shown.iter().map(|it| row(hospital, organization, it, provider, selected.as_ref()));
    let providers =
        organization.people.iter().filter_map(|it| Some((it.practitioner_id.as_deref()?, it.name.as_str())));
    let panel = match &selected {
        Some(it) => visit_panel(hospital, organization, it, provider),
        None => schedule_panel(hospital, organization, provider),
    };
    Page::new(include_str!("../../../pages/hyperspace.html"))
        .text("hospital", organization.name)
        .text("user", &person.name)
        .text("initials", crate::entra::initials(&person.name))
        .text("now", now.to_string())
        .text("count", shown.len().to_string())
        .markup("providers", options(std::iter::once((ALL, "All providers")).chain(providers), provider))
        .markup("rows", Markup::join(rows))
        .markup("panel", panel)
        .respond(StatusCode::OK)
}

fn row(
    hospital: &Hospital,
    organization: &Organization,
    it: &Appointment,
    provider: &str,
    selected: Option<&Appointment>,
) -> Markup {
    let (patient_mark, practitioner_mark) = marks(hospital, it);
    let name = it.patient_id.as_deref().and_then(|id| organization.patient(id));
    let with = providers_of(organization, it);
    let is_selected = selected.is_some_and(|selected| selected.id == it.id);
    let (kind, icon) = match (it.is_virtual(), &it.group, &it.patient_id) {
        (false, _, _) => ("Office visit", "office"),
        (true, Some(_), _) => ("Group video visit", "video"),
        (true, None, None) => ("Provider to provider", "video"),
        (true, None, Some(_)) => ("Video visit", "video"),
    };
    Page::new(include_str!("../../../pages/hyperspace-row.html"))
        .text("id", &it.id)
        .text("selected", if is_selected { "true" } else { "false" })
        .text("address", address(provider, &it.id))
        .text("start", it.start.to_string())
        .text("fallback", it.start.strftime("%H:%M").to_string())
        .text("minutes", it.minutes.to_string())
        .text("patient", name.map_or(NO_PATIENT, |it| it.name.as_str()))
        .text("about", name.map(|it| about(hospital, it)).unwrap_or_default())
        .text("kind", kind)
        .text("icon", icon)
        .text("provider", with)
        .text("status", &it.status)
        .text("status_words", status_words(&it.status))
        .markup("patient_mark", if name.is_some() { mark(it, "patient", patient_mark) } else { none() })
        .markup("practitioner_mark", mark(it, "practitioner", practitioner_mark))
        .piece()
}

fn about(hospital: &Hospital, it: &crate::core::Patient) -> String {
    let age = age(&it.birth_date, hospital.clock.now()).map(|it| it.to_string()).unwrap_or_default();
    format!("{age} y, {}, MRN {}", it.gender, it.mrn)
}

fn none() -> Markup {
    Page::new("<span class=\"quiet\" aria-label=\"none\">&ndash;</span>").piece()
}

fn providers_of(organization: &Organization, it: &Appointment) -> String {
    let names = it.practitioners().filter_map(|id| organization.practitioner(id));
    names.map(|it| it.name.as_str()).collect::<Vec<_>>().join(", ")
}

/// The mark of a row; an office visit has none.
fn mark(it: &Appointment, whose: &str, mark: Mark) -> Markup {
    if !it.is_virtual() {
        return none();
    }
    Page::new("<span class=\"mark\" data-mark=\"{{whose}}\">{{words}}</span>")
        .text("whose", whose)
        .text("words", mark.words())
        .piece()
}

fn visit_panel(hospital: &Hospital, organization: &Organization, it: &Appointment, provider: &str) -> Markup {
    let (patient_mark, practitioner_mark) = marks(hospital, it);
    let patient = it.patient_id.as_deref().and_then(|id| organization.patient(id));
    let department = it.location_id.as_deref().and_then(|id| organization.department(id));
    let template = include_str!("../../../pages/hyperspace-visit.html");
    let can_begin =
        it.is_virtual() && !matches!(it.status.as_str(), "cancelled" | "noshow" | "entered-in-error" | "fulfilled");
    let begin = if can_begin {
        Page::new(include_str!("../../../pages/hyperspace-begin.html")).text("id", &it.id).piece()
    } else {
        let why = if it.is_virtual() { "This visit can no longer begin." } else { "This is not a video visit." };
        Page::new("<p class=\"note\">{{why}}</p>").text("why", why).piece()
    };
    let people = if it.is_virtual() {
        Page::new(include_str!("../../../pages/hyperspace-people.html"))
            .text("id", &it.id)
            .text("whose", if patient.is_some() { "Patient" } else { NO_PATIENT })
            .text("patient_mark", if patient.is_some() { patient_mark.words() } else { "" })
            .text("practitioner_mark", practitioner_mark.words())
            .text("practitioner", providers_of(organization, it))
            .piece()
    } else {
        Markup::default()
    };
    let statuses = STATUSES.into_iter().map(|it| (it, status_words(it)));
    Page::new(template)
        .text("id", &it.id)
        .text("provider", provider)
        .text("schedule", address(provider, ""))
        .text("patient", patient.map_or(NO_PATIENT, |it| it.name.as_str()))
        .text("department", department.map(|it| it.name).unwrap_or_default())
        .text("conference", it.conference())
        .text("born", patient.map(|it| written(&it.birth_date)).unwrap_or_default())
        .text("about", patient.map(|it| about(hospital, it)).unwrap_or_default())
        .text("start", it.start.to_string())
        .text("fallback", it.start.strftime("%H:%M").to_string())
        .text("minutes", it.minutes.to_string())
        .text("kind", if it.is_virtual() { "Microsoft virtual visit" } else { "Office visit" })
        .text("csn", &it.csn)
        .text("phone", patient.map(|it| it.phone.as_str()).unwrap_or_default())
        .markup("begin", begin)
        .markup("people", people)
        .markup("statuses", options(statuses, &it.status))
        .piece()
}

fn schedule_panel(hospital: &Hospital, organization: &Organization, provider: &str) -> Markup {
    let patients = organization.patients.iter().map(|it| (it.patient_id.as_str(), it.name.as_str()));
    let providers =
        organization.people.iter().filter_map(|it| Some((it.practitioner_id.as_deref()?, it.name.as_str())));
    Page::new(include_str!("../../../pages/hyperspace-schedule.html"))
        .markup("patients", options(patients, ""))
        .markup("providers", options(providers, provider))
        .text("start", next_quarter(hospital.clock.now()))
        .piece()
}

fn options<'a>(all: impl Iterator<Item = (&'a str, &'a str)>, chosen: &str) -> Markup {
    Markup::join(all.map(|(value, words)| {
        let template = if value == chosen {
            "<option value=\"{{value}}\" selected>{{words}}</option>"
        } else {
            "<option value=\"{{value}}\">{{words}}</option>"
        };
        Page::new(template).text("value", value).text("words", words).piece()
    }))
}

/// FHIR's appointment statuses as a schedule says them.
fn status_words(status: &str) -> &'static str {
    match status {
        "proposed" => "Proposed",
        "pending" => "Pending",
        "booked" => "Scheduled",
        "arrived" => "Arrived",
        "fulfilled" => "Completed",
        "cancelled" => "Canceled",
        "noshow" => "No show",
        "entered-in-error" => "Entered in error",
        "checked-in" => "Checked in",
        "waitlist" => "Waitlist",
        _ => "",
    }
}
