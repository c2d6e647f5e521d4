//! The attendance report Graph writes when a meeting has ended: the last witness for what notifications missed
//! (reference/microsoft.md 3.5). Names and e-mail addresses in it are not kept.

use reqwest::Method;
use serde_json::Value;
use url::Url;

use super::client::{Failure, Graph, Repeat};
use super::event::{field, guid, text};
use super::subscription::under;
use crate::meeting::{Attended, LegIdentity, Meeting, MeetingError};

/// One report per session of the meeting; more than this nobody holds in a visit.
const REPORTS: usize = 20;

/// Reads all reports of a meeting; none is no error.
pub(crate) async fn read(graph: &Graph, base: &Url, meeting: &Meeting) -> Result<Vec<Attended>, MeetingError> {
    let path = ["users", &meeting.organizer, "onlineMeetings", &meeting.id, "attendanceReports"];
    let reports = match graph.call(Method::GET, under(base, &path), None, Repeat::Always).await {
        Ok(reports) => reports,
        Err(Failure::Refused { status: 404, .. }) => return Err(MeetingError::Gone),
        Err(failure) => return Err(failure.into()),
    };
    let mut attended = Vec::new();
    for report in reports["value"].as_array().into_iter().flatten().take(REPORTS) {
        let Some(id) = text(report, &["id"]) else { continue };
        let mut url = under(base, &path);
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.push(id);
        }
        url.set_query(Some("$expand=attendanceRecords"));
        let report = graph.call(Method::GET, url, None, Repeat::Always).await?;
        attended.extend(report["attendanceRecords"].as_array().into_iter().flatten().map(record));
    }
    Ok(attended)
}

fn record(value: &Value) -> Attended {
    let intervals = value["attendanceIntervals"].as_array().into_iter().flatten();
    let intervals = intervals.filter_map(|it| {
        let at = |name| it[name].as_str()?.parse().ok();
        Some((at("joinDateTime")?, at("leaveDateTime")?))
    });
    Attended { identity: identity(value), intervals: intervals.collect() }
}

fn identity(record: &Value) -> LegIdentity {
    let Some(it) = field(record, &["identity"]) else { return LegIdentity::Other };
    let id = text(it, &["id"]).unwrap_or_default();
    if id.starts_with("8:acs:") {
        return LegIdentity::Guest { acs_id: Some(id.to_owned()) };
    }
    let tid = text(it, &["tenantId"]).and_then(guid);
    // Graph's own sample has no tenant for a presenter; guests cannot be given these roles (G-RES)
    let trusted = text(record, &["role"]).is_some_and(|it| !it.eq_ignore_ascii_case("attendee") && it != "None");
    match guid(id) {
        Some(oid) if tid.is_some() || trusted => LegIdentity::User { oid, tid },
        _ => LegIdentity::Guest { acs_id: None },
    }
}
