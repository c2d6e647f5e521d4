//! The doctor as the portal asks for it: the same checks in the same words as `roomed-relay doctor`, for one organization.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use roomed_protocol::{DoctorFinding, DoctorReport, DoctorRun, DoctorView, FindingArea, FindingState};

use super::Admin;
use crate::doctor::finding::{Area, Finding, State as Found};
use crate::doctor::report::Report;
use crate::doctor::{Progress, examine as examine_all};
use crate::http::problem::Answer;
use crate::relay::Relay;

/// `GET /portal/api/doctor`.
pub(in crate::http) async fn look(State(relay): State<Arc<Relay>>, Admin(portal): Admin) -> Json<DoctorView> {
    Json(view(&relay, &portal.organization))
}

/// `POST /portal/api/doctor`: begins a run, or tells of the one under way.
pub(in crate::http) async fn examine(
    State(relay): State<Arc<Relay>>,
    Admin(portal): Admin,
) -> Answer<Json<DoctorView>> {
    let key = portal.organization(&relay)?.key.clone();
    if let Some(progress) = relay.doctor.begin(&key, relay.clock.now()) {
        let (relay, key) = (Arc::clone(&relay), key.clone());
        tokio::spawn(run(relay, key, progress));
    }
    Ok(Json(view(&relay, &key)))
}

async fn run(relay: Arc<Relay>, key: String, progress: Arc<Progress>) {
    let runs = Arc::clone(&relay.doctor);
    let (config, clock, random) = ((*relay.config).clone(), Arc::clone(&relay.clock), Arc::clone(&relay.random));
    let only = key.clone();
    // In a task of its own: whatever becomes of it, the run is over afterwards.
    let made = tokio::spawn(async move { examine_all(config, Some(&only), clock, random, &progress).await }).await;
    let report = match made {
        Ok(Ok(report)) => Some(report),
        Ok(Err(error)) => {
            tracing::warn!(%error, "the doctor could not begin");
            None
        }
        Err(error) => {
            tracing::error!(%error, "the doctor broke off");
            None
        }
    };
    runs.over(&key, report);
}

fn view(relay: &Relay, key: &str) -> DoctorView {
    let known = relay.doctor.of(key);
    let running = known.running.map(|(since, progress)| {
        let (done, total) = progress.seen();
        DoctorRun { since: since.to_string(), done, total }
    });
    let report = known.report.as_deref().map(report);
    DoctorView { now: relay.clock.now().to_string(), running, report, failed: known.failed }
}

fn report(report: &Report) -> DoctorReport {
    DoctorReport {
        at: report.at.to_string(),
        version: report.version.to_owned(),
        public_url: report.public_url.clone(),
        findings: report.findings.iter().map(finding).collect(),
    }
}

fn finding(it: &Finding) -> DoctorFinding {
    let code = serde_json::to_value(it.code).ok().and_then(|it| it.as_str().map(str::to_owned));
    DoctorFinding {
        check: it.check.to_owned(),
        area: area(it.area),
        ehr: it.ehr.clone(),
        prerequisite: is_prerequisite(it.area),
        state: match it.state {
            Found::Wrong => FindingState::Wrong,
            Found::Wait => FindingState::Wait,
            Found::CannotTell => FindingState::CannotTell,
            Found::Fine => FindingState::Fine,
            Found::NotUsed => FindingState::NotUsed,
        },
        code: code.unwrap_or_default(),
        // Figures of the machine are its operator's: it may serve other organizations as well.
        measured: if is_machine(it.area) { String::new() } else { it.measured.clone() },
        cause: it.cause.to_owned(),
        owner: it.owner,
        fix: it.fix.to_owned(),
        copy: it.copy.clone().filter(|_| !is_machine(it.area)),
    }
}

fn area(area: Area) -> FindingArea {
    match area {
        Area::Database => FindingArea::Database,
        Area::Keys => FindingArea::Keys,
        Area::Address => FindingArea::Address,
        Area::Entra => FindingArea::Entra,
        Area::Graph => FindingArea::Graph,
        Area::Ehr => FindingArea::Ehr,
    }
}

/// The organization's own side: what must be fine there before the first visit.
pub(super) fn is_prerequisite(area: Area) -> bool {
    match area {
        Area::Entra | Area::Graph | Area::Ehr => true,
        Area::Database | Area::Keys | Area::Address => false,
    }
}

fn is_machine(area: Area) -> bool {
    matches!(area, Area::Database | Area::Keys)
}
