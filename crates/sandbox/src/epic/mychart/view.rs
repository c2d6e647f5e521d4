//! How MyChart looks: friendly cards, one button each, and a short form to schedule a video visit.

use super::super::{Appointment, local_time::next_quarter};
use crate::{
    core::{Hospital, Organization, Patient},
    pages::{Markup, Page},
};
use axum::{http::StatusCode, response::Response};
use jiff::SignedDuration;

pub(super) fn sign_in(hospital: &Hospital) -> Response {
    let hospitals = hospital.organizations.iter().map(|organization| {
        let users = organization.patients.iter().map(|patient| {
            Page::new(include_str!("../../../pages/mychart-user.html"))
                .text("user", &patient.mychart_user)
                .text("name", &patient.name)
                .text("initials", crate::entra::initials(&patient.name))
                .piece()
        });
        Page::new(include_str!("../../../pages/mychart-hospital.html"))
            .text("name", organization.name)
            .markup("users", Markup::join(users))
            .piece()
    });
    Page::new(include_str!("../../../pages/mychart-sign-in.html"))
        .markup("hospitals", Markup::join(hospitals))
        .respond(StatusCode::OK)
}

pub(super) fn visits(hospital: &Hospital, organization: &Organization, patient: &Patient) -> Response {
    let now = hospital.clock.now();
    let mine = hospital.epic.chart.appointments(|it| it.patient_id == patient.patient_id);
    let gone =
        |it: &Appointment| matches!(it.status.as_str(), "cancelled" | "noshow" | "entered-in-error" | "fulfilled");
    let old = |it: &Appointment| it.end().saturating_add(SignedDuration::from_hours(2)).is_ok_and(|it| it < now);
    let upcoming: Vec<&Appointment> = mine.iter().filter(|it| !gone(it) && !old(it)).collect();
    let cards = if upcoming.is_empty() {
        Page::new("<p class=\"empty\">You have no upcoming visits. You can schedule a video visit here.</p>").piece()
    } else {
        Markup::join(upcoming.iter().map(|it| card(organization, it)))
    };
    let providers = organization.people.iter().filter_map(|it| {
        let page = Page::new(include_str!("../../../pages/mychart-provider.html"));
        let page = page.text("id", it.practitioner_id.as_deref()?).text("name", &it.name);
        Some(page.text("initials", crate::entra::initials(&it.name)).piece())
    });
    Page::new(include_str!("../../../pages/mychart.html"))
        .text("hospital", organization.name)
        .text("given", &patient.given)
        .text("name", &patient.name)
        .text("initials", crate::entra::initials(&patient.name))
        .text("start", next_quarter(now))
        .markup("cards", cards)
        .markup("providers", Markup::join(providers))
        .respond(StatusCode::OK)
}

fn card(organization: &Organization, it: &Appointment) -> Markup {
    let with = organization.practitioner(&it.practitioner_id).map(|it| it.name.as_str()).unwrap_or_default();
    let action = if it.is_virtual() {
        Page::new(include_str!("../../../pages/mychart-begin.html")).text("id", &it.id).piece()
    } else {
        Page::new("<p class=\"note\">Please come to the front desk 10 minutes early.</p>").piece()
    };
    Page::new(include_str!("../../../pages/mychart-card.html"))
        .text("id", &it.id)
        .text("kind", if it.is_virtual() { "Microsoft virtual visit" } else { "Office visit" })
        .text("icon", if it.is_virtual() { "video" } else { "office" })
        .text("with", with)
        .text("initials", crate::entra::initials(with))
        .text("start", it.start.to_string())
        .text("fallback", it.start.strftime("%H:%M").to_string())
        .text("minutes", it.minutes.to_string())
        .text("where", organization.name)
        .markup("action", action)
        .piece()
}
