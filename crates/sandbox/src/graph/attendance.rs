//! Attendance reports: one per finished call, with who was inside and when (microsoft.md 3.5).
//! Made when the call ends; lobby time does not count. Leaves out CSV and Teams' 24 hours of latency elsewhere.

use std::collections::BTreeMap;

use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};

use super::bearer::{access_policy, answer, enter, finish};
use super::error::GraphError;
use super::meetings::{rules_of, with_meeting};
use crate::core::{Hospital, Shared, lock};
use crate::teams::{Rules, Session, Stay, Who};

/// Application permission for artifacts of a meeting.
const READ: [&str; 1] = ["OnlineMeetingArtifact.Read.All"];

/// One finished call.
pub(crate) struct Report {
    head: Value,
    records: Vec<Value>,
}

/// Makes the report of a call that has just ended.
pub(crate) fn record(hospital: &Hospital, thread: &str, session: &Session) {
    let Some((_, rules)) = rules_of(hospital, thread) else { return };
    let mut people: BTreeMap<String, Vec<&Stay>> = BTreeMap::new();
    for stay in session.stays.iter().filter(|it| !matches!(it.who, Who::App { .. })) {
        let key = stay.who.oid().map_or_else(|| format!("~{}", stay.who.display_name()), str::to_owned);
        people.entry(key).or_default().push(stay);
    }
    let records: Vec<Value> = people.values().map(|stays| one(hospital, &rules, stays)).collect();
    let head = json!({
        "id": hospital.random.guid(),
        "totalParticipantCount": records.len(),
        "meetingStartDateTime": session.start.to_string(),
        "meetingEndDateTime": session.end.to_string(),
    });
    hospital.log("graph", "attendance.reported", json!({"thread": thread, "report": head["id"]}));
    lock(&hospital.graph.reports).entry(thread.to_owned()).or_default().push(Report { head, records });
}

fn one(hospital: &Hospital, rules: &Rules, stays: &[&Stay]) -> Value {
    let who = &stays[0].who;
    let intervals: Vec<Value> = stays
        .iter()
        .map(|it| {
            json!({
                "joinDateTime": it.from.to_string(),
                "leaveDateTime": it.to.to_string(),
                "durationInSeconds": it.to.duration_since(it.from).as_secs(),
            })
        })
        .collect();
    let total: i64 = stays.iter().map(|it| it.to.duration_since(it.from).as_secs()).sum();
    let (email, identity) = match who {
        Who::User { oid, tenant_id, display_name, .. } => (
            hospital.person(oid).map(|(_, person)| person.upn.clone()),
            json!({"@odata.type": "#microsoft.graph.communicationsUserIdentity", "id": oid, "displayName": display_name, "tenantId": tenant_id}),
        ),
        Who::Guest { display_name } | Who::App { display_name, .. } => {
            (None, json!({"id": null, "displayName": display_name, "tenantId": null}))
        }
    };
    let role = match rules.title(who) {
        "Organizer" => "Organizer",
        "Co-organizer" => "Presenter",
        _ => "Attendee",
    };
    json!({
        "id": hospital.random.guid(),
        "emailAddress": email,
        "totalAttendanceInSeconds": total,
        "role": role,
        "identity": identity,
        "attendanceIntervals": intervals,
    })
}

/// `GET .../attendanceReports`: newest first, records only with `$expand=attendanceRecords`.
pub(crate) async fn list(
    State(hospital): State<Shared>,
    Path((oid, id)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let result = async {
        let thread = enter_meeting(&hospital, &headers, &oid, &id).await?;
        let expand = expanded(query.as_deref())?;
        let reports = lock(&hospital.graph.reports);
        let all: Vec<Value> = reports.get(&thread).into_iter().flatten().rev().map(|it| shown(it, expand)).collect();
        let context = format!("{}/v1.0/$metadata#attendanceReports", hospital.addresses().graph);
        Ok(answer(StatusCode::OK, json!({"@odata.context": context, "value": all})))
    };
    finish(&hospital, result.await)
}

/// `GET .../attendanceReports/{report}[?$expand=attendanceRecords]`.
pub(crate) async fn read(
    State(hospital): State<Shared>,
    Path((oid, id, report)): Path<(String, String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let result = async {
        let thread = enter_meeting(&hospital, &headers, &oid, &id).await?;
        let expand = expanded(query.as_deref())?;
        find(&hospital, &thread, &report, |it| answer(StatusCode::OK, shown(it, expand)))
    };
    finish(&hospital, result.await)
}

/// `GET .../attendanceReports/{report}/attendanceRecords`.
pub(crate) async fn records(
    State(hospital): State<Shared>,
    Path((oid, id, report)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Response {
    let result = async {
        let thread = enter_meeting(&hospital, &headers, &oid, &id).await?;
        find(&hospital, &thread, &report, |it| answer(StatusCode::OK, json!({"value": it.records})))
    };
    finish(&hospital, result.await)
}

async fn enter_meeting(hospital: &Hospital, headers: &HeaderMap, oid: &str, id: &str) -> Result<String, GraphError> {
    let call = enter(hospital, headers, &READ, "graph.attendance").await?;
    access_policy(hospital, &call.caller, oid, "Get")?;
    with_meeting(hospital, &call.caller, oid, id, |it| Ok(it.thread.clone()))
}

fn find(
    hospital: &Hospital,
    thread: &str,
    id: &str,
    show: impl Fn(&Report) -> Response,
) -> Result<Response, GraphError> {
    let reports = lock(&hospital.graph.reports);
    let found = reports.get(thread).into_iter().flatten().find(|it| it.head["id"] == id);
    found.map(show).ok_or_else(|| GraphError::not_found("The attendance report was not found."))
}

fn expanded(query: Option<&str>) -> Result<bool, GraphError> {
    let mut pairs = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    match pairs.find(|(name, _)| name == "$expand") {
        None => Ok(false),
        Some((_, value)) if value == "attendanceRecords" => Ok(true),
        Some(_) => Err(GraphError::bad_request("Parsing OData Select and Expand failed.")),
    }
}

fn shown(report: &Report, expand: bool) -> Value {
    let mut it = report.head.clone();
    if expand {
        it["attendanceRecords"] = json!(report.records);
    }
    it
}
