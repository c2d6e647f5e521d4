//! How MyChart looks: friendly cards, one button each, and a short form to schedule a video visit.

use super::super::{Appointment, local_time::next_quarter};
use crate::{
    core::{
        Hospital, Organization, Patient, PortalUser,
        switches::{MYCHART, PROXIES},
    },
    pages::{Markup, Page},
};
use axum::{http::StatusCode, response::Response};
use jiff::SignedDuration;

pub(super) fn sign_in(hospital: &Hospital) -> Response {
    let hospitals = hospital.organizations.iter().map(|organization| {
        let users = organization.portal_users().map(|(user, name)| {
            Page::new(include_str!("../../../pages/mychart-user.html"))
                .text("user", user)
                .text("name", name)
                .text("initials", crate::entra::initials(name))
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

pub(super) fn visits(hospital: &Hospital, organization: &Organization, user: &PortalUser<'_>) -> Response {
    let now = hospital.clock.now();
    let own = user.own.map(|it| cards(hospital, organization, it, None));
    let may_act = !hospital.switches.is(&PROXIES, organization.key, "none");
    let others = user.acts_for.iter().filter(|_| may_act).map(|(related, patient)| {
        Page::new(include_str!("../../../pages/mychart-act-for.html"))
            .text("name", &patient.name)
            .text("user", &patient.mychart_user)
            .text("relationship", related.relationship_words)
            .markup("cards", cards(hospital, organization, patient, Some(&patient.given)))
            .piece()
    });
    let providers = organization.people.iter().filter_map(|it| {
        let page = Page::new(include_str!("../../../pages/mychart-provider.html"));
        let page = page.text("id", it.practitioner_id.as_deref()?).text("name", &it.name);
        Some(page.text("initials", crate::entra::initials(&it.name)).piece())
    });
    let schedule = user.own.map(|_| {
        Page::new(include_str!("../../../pages/mychart-schedule.html"))
            .text("start", next_quarter(now))
            .markup("providers", Markup::join(providers))
            .piece()
    });
    Page::new(include_str!("../../../pages/mychart.html"))
        .text("screen", hospital.switches.of(&MYCHART, organization.key))
        .text("hospital", organization.name)
        .text("given", user.given)
        .text("name", user.name)
        .text("initials", crate::entra::initials(user.name))
        .markup("cards", own.unwrap_or_else(|| empty("You have no record of your own here.")))
        .markup("others", Markup::join(others))
        .markup("schedule", schedule.unwrap_or_default())
        .respond(StatusCode::OK)
}

fn empty(text: &str) -> Markup {
    Page::new("<p class=\"empty\">{{text}}</p>").text("text", text).piece()
}

/// A patient's upcoming visits; `acting_for` is whom somebody else opens them for.
fn cards(hospital: &Hospital, organization: &Organization, patient: &Patient, acting_for: Option<&str>) -> Markup {
    let now = hospital.clock.now();
    let mine = hospital.epic.chart.appointments(|it| it.is_of(&patient.patient_id));
    let gone =
        |it: &Appointment| matches!(it.status.as_str(), "cancelled" | "noshow" | "entered-in-error" | "fulfilled");
    let old = |it: &Appointment| it.end().saturating_add(SignedDuration::from_hours(2)).is_ok_and(|it| it < now);
    let upcoming: Vec<&Appointment> = mine.iter().filter(|it| !gone(it) && !old(it)).collect();
    match (upcoming.as_slice(), acting_for) {
        ([], None) => empty("You have no upcoming visits. You can schedule a video visit here."),
        ([], Some(_)) => empty("There are no upcoming visits."),
        (all, _) => Markup::join(all.iter().map(|it| card(organization, it, acting_for))),
    }
}

fn card(organization: &Organization, it: &Appointment, acting_for: Option<&str>) -> Markup {
    let with = organization.practitioner(&it.practitioner_id).map(|it| it.name.as_str()).unwrap_or_default();
    let action = if it.is_virtual() {
        let whom = acting_for.map(|it| format!(" for {it}")).unwrap_or_default();
        Page::new(include_str!("../../../pages/mychart-begin.html")).text("id", &it.id).text("whom", whom).piece()
    } else {
        Page::new("<p class=\"note\">Please come to the front desk 10 minutes early.</p>").piece()
    };
    Page::new(include_str!("../../../pages/mychart-card.html"))
        .text("id", &it.id)
        .text(
            "kind",
            match (it.is_virtual(), &it.group) {
                (true, Some(_)) => "Microsoft virtual group visit",
                (true, None) => "Microsoft virtual visit",
                (false, _) => "Office visit",
            },
        )
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
