//! Checks of Microsoft Graph by harmless calls, never by reading the token: a test meeting is made under the organizer, what the
//! relay does with meetings is tried on it, and it is deleted. Its id of ours is the same every time, so one that stayed behind
//! is found and deleted by the next run. Nobody is invited, and nobody has its link.

use std::sync::Arc;

use jiff::SignedDuration;
use reqwest::Method;
use secrecy::SecretString;
use serde_json::json;
use url::Url;

use super::code::FindingCode as C;
use super::finding::Measured;
use super::keys::certificates;
use super::scene::{Probe, Tenant};
use crate::meeting::graph::client::{Failure, Graph, Repeat};
use crate::meeting::graph::subscription::{Subscriptions, under};
use crate::meeting::{MeetingError, RefusalReason as R, teams};

/// What a test meeting is called where somebody sees it.
const SUBJECT: &str = "Roomed: check of the set-up";

/// Graph, once Entra has let us in.
fn graph<'a>(it: &'a Tenant<'_>) -> Result<(&'a Graph, &'a Url), Measured> {
    match (&it.graph, &it.base, it.let_in.get()) {
        (Some(graph), Ok(base), Some(())) => Ok((graph, base)),
        _ => Err(Measured::new(C::NotAsked, "Entra gave no token")),
    }
}

fn with_probe<'a>(it: &'a Tenant<'_>) -> Result<(&'a Graph, &'a Url, &'a Probe), Measured> {
    let (graph, base) = graph(it)?;
    let probe = it.probe.get().ok_or_else(|| Measured::new(C::NotAsked, "no test meeting could be made"))?;
    Ok((graph, base, probe))
}

fn meeting(it: &Tenant<'_>, base: &Url, rest: &[&str]) -> Url {
    let mut path = vec!["users", it.organization.organizer_oid.as_str(), "onlineMeetings"];
    path.extend(rest);
    under(base, &path)
}

/// `graph.meetings`
pub(super) async fn meetings(it: &Tenant<'_>) -> Measured {
    let (graph, base) = match graph(it) {
        Ok(it) => it,
        Err(measured) => return measured,
    };
    let start = it.scene.clock.now();
    let body = json!({
        "externalId": format!("roomed-doctor-{}", it.organization.key),
        "subject": SUBJECT,
        "startDateTime": start.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "endDateTime": (start + SignedDuration::from_mins(5)).strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
    });
    match graph.call(Method::POST, meeting(it, base, &["createOrGet"]), Some(&body), Repeat::Always).await {
        Ok(made) => match (made["id"].as_str(), made["joinWebUrl"].as_str()) {
            (Some(id), Some(link)) if !id.is_empty() => {
                it.probe.set(Probe { id: id.to_owned(), join_web_url: link.to_owned() }).ok();
                Measured::new(C::MeetingsFine, "a test meeting was made")
            }
            _ => Measured::new(C::GraphRefuses, "the answer is not a meeting"),
        },
        Err(Failure::Refused { status: 404, .. }) => Measured::new(C::OrganizerUnknown, "HTTP 404"),
        Err(failure) => refused(&failure, C::MeetingsNotPermitted),
    }
}

/// `graph.patient-link`
pub(super) async fn patient_link(it: &Tenant<'_>) -> Measured {
    let (graph, base, probe) = match with_probe(it) {
        Ok(it) => it,
        Err(measured) => return measured,
    };
    let url = meeting(it, base, &[&probe.id, "getVirtualAppointmentJoinWebUrl"]);
    match graph.call(Method::GET, url, None, Repeat::Always).await {
        Ok(_) => Measured::new(C::PatientLinkFine, "a link was given"),
        Err(failure) => of_probe(&failure, C::PatientLinkNotPermitted),
    }
}

/// `graph.attendance`
pub(super) async fn attendance(it: &Tenant<'_>) -> Measured {
    let (graph, base, probe) = match with_probe(it) {
        Ok(it) => it,
        Err(measured) => return measured,
    };
    let url = meeting(it, base, &[&probe.id, "attendanceReports"]);
    match graph.call(Method::GET, url, None, Repeat::Always).await {
        Ok(_) => Measured::new(C::AttendanceFine, "the list of reports was given"),
        Err(failure) => of_probe(&failure, C::AttendanceNotPermitted),
    }
}

/// `graph.notifications`: Graph itself calls the relay back before it says yes, so this is the view from outside.
pub(super) async fn notifications(it: &Tenant<'_>) -> Measured {
    let (graph, _, probe) = match with_probe(it) {
        Ok(it) => it,
        Err(measured) => return measured,
    };
    let certificates = it.scene.keys.as_ref().ok().and_then(|keys| certificates(it.scene, keys).ok().flatten());
    let base = Url::parse(&it.organization.graph.subscriptions_base);
    let (Some(certificates), Ok(base)) = (certificates, base) else {
        return Measured::new(C::NotAsked, "there is no certificate to seal notifications for");
    };
    let [notification_url, lifecycle_url] = teams::notified_at(&it.scene.config.public_url);
    let subscriptions = Subscriptions {
        base,
        notification_url,
        lifecycle_url,
        // Graph's shortest: if it cannot be deleted, it is gone by itself.
        lifetime: SignedDuration::from_mins(45),
        certificates: Arc::new(certificates),
        clock: Arc::clone(&it.scene.clock),
    };
    // Nobody keeps it, so nothing that came for this subscription would be believed.
    let state = SecretString::from(it.scene.random.token());
    match subscriptions.create(graph, &probe.join_web_url, &state).await {
        Ok(watch) => match subscriptions.delete(graph, &watch.subscription_id).await {
            Ok(()) => Measured::new(C::NotificationsFine, "Graph reached the relay; the test subscription was deleted"),
            Err(_) => {
                Measured::new(C::NotificationsFine, "Graph reached the relay; the test subscription ends by itself")
            }
        },
        Err(MeetingError::Refused { reason: R::NotificationAddress }) => {
            Measured::new(C::NotificationsUnreachable, "Graph's test call did not succeed")
        }
        Err(MeetingError::Refused { reason: R::PermissionMissing | R::AccessPolicyMissing }) => {
            Measured::new(C::NotificationsNotPermitted, "refused")
        }
        Err(MeetingError::Refused { reason }) => Measured::new(C::GraphRefuses, reason.as_str()),
        Err(MeetingError::Gone) => Measured::new(C::ProbeGone, "the meeting is gone"),
        Err(MeetingError::Unreachable { .. }) => Measured::new(C::GraphUnreachable, "no answer in time"),
    }
}

/// `graph.removal`: a call that does not exist is not found by those who may look at calls, and refused to all others.
pub(super) async fn removal(it: &Tenant<'_>) -> Measured {
    if !it.organization.meeting.removal {
        return Measured::new(C::RemovalNotUsed, "switched off");
    }
    let (graph, base) = match graph(it) {
        Ok(it) => it,
        Err(measured) => return measured,
    };
    let url = under(base, &["communications", "calls", &it.scene.random.id()]);
    match graph.call(Method::GET, url, None, Repeat::Always).await {
        Ok(_) | Err(Failure::Refused { status: 404, .. }) => Measured::new(C::RemovalUnproven, "calls may be joined"),
        Err(failure) => refused(&failure, C::RemovalNotPermitted),
    }
}

/// `graph.clean`
pub(super) async fn clean(it: &Tenant<'_>) -> Measured {
    let Ok((graph, base, probe)) = with_probe(it) else { return Measured::new(C::CleanFine, "nothing was made") };
    match graph.call(Method::DELETE, meeting(it, base, &[&probe.id]), None, Repeat::Always).await {
        Ok(_) | Err(Failure::Refused { status: 404 | 410, .. }) => {
            Measured::new(C::CleanFine, "the test meeting is gone")
        }
        Err(Failure::Refused { status, .. }) => Measured::new(C::CleanLeft, format!("HTTP {status}")),
        Err(Failure::Busy { .. } | Failure::Unknown) => Measured::new(C::CleanLeft, "no answer in time"),
    }
}

/// What a refusal means; `permission`: where nothing but a permission can be missing.
fn refused(failure: &Failure, permission: C) -> Measured {
    match failure {
        Failure::Refused { status, reason } => {
            let code = match reason {
                R::AccessPolicyMissing => C::AccessPolicyMissing,
                R::PermissionMissing => permission,
                R::ClientCredentials => C::NotAsked,
                _ => C::GraphRefuses,
            };
            Measured::new(code, format!("HTTP {status}"))
        }
        Failure::Busy { wait: Some(wait) } => {
            Measured::new(C::GraphUnreachable, format!("asked to wait {} s", wait.as_secs()))
        }
        Failure::Busy { wait: None } | Failure::Unknown => Measured::new(C::GraphUnreachable, "no answer of use"),
    }
}

/// The same of something asked about the test meeting.
fn of_probe(failure: &Failure, permission: C) -> Measured {
    match failure {
        Failure::Refused { status: 404 | 410, .. } => Measured::new(C::ProbeGone, "HTTP 404"),
        failure => refused(failure, permission),
    }
}
