//! Watching a meeting, and looking back on it.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use super::*;
use crate::meeting::LegIdentity;

#[tokio::test]
async fn a_watch_asks_for_what_graph_wants() {
    let bench = bench(vec![]).await;
    let watch = bench.watch().await.unwrap();
    assert_eq!(
        (watch.subscription_id.as_str(), watch.expires_at.to_string().as_str()),
        ("sub", "2027-01-16T00:00:00Z")
    );
    let body = bench.body("POST /beta/subscriptions");
    assert_eq!(body["encryptionCertificateId"], json!(watch.certificate_id));
    assert_eq!(body["clientState"], "state");
    assert_eq!(body["notificationUrl"], "http://relay.example/graph/notifications");
    assert_eq!(body["lifecycleNotificationUrl"], "http://relay.example/graph/lifecycle");
    let resource = body["resource"].as_str().unwrap();
    assert!(resource.contains("19%253am%2F0%3Fcontext%3D%257b%257d"), "{resource}");
    let expires: Timestamp = body["expirationDateTime"].as_str().unwrap().parse().unwrap();
    assert!(expires.duration_since(now()) <= SignedDuration::from_mins(4_230));
}

/// The list of our subscriptions with one for the meeting and one for another.
fn listed() -> Scripted {
    let resource = "/communications/onlineMeetings(joinWebUrl='https%3A%2F%2Fteams.example%2Fl%2Fmeetup-join%2F\
                    19%253am%2F0%3Fcontext%3D%257b%257d')/meetingCallEvents";
    let value = json!([{"id": "old", "resource": resource}, {"id": "other", "resource": "communications/x"}]);
    Scripted { call: "GET /beta/subscriptions", status: 200, retry_after: None, body: json!({"value": value}) }
}

#[tokio::test]
async fn a_watch_nobody_saw_made_is_replaced() {
    for status in [500, 403, 409] {
        let bench = bench(vec![once("POST /beta/subscriptions", status, "quota"), listed()]).await;
        assert_eq!(bench.watch().await.unwrap().subscription_id, "sub");
        assert_eq!(bench.count("DELETE /beta/subscriptions/old"), 1);
        assert_eq!(bench.count("DELETE"), 1);
        assert_eq!(bench.count("POST /beta/subscriptions"), 2);
    }
    let forbidden = bench(vec![once("POST /beta/subscriptions", 403, "Insufficient privileges")]).await;
    assert_eq!(forbidden.watch().await, Err(refused(RefusalReason::PermissionMissing)));
    let message = "Subscription validation request failed. HTTP status code is 'NotFound'.";
    let unreached = bench(vec![once("POST /beta/subscriptions", 400, message)]).await;
    assert_eq!(unreached.watch().await, Err(refused(RefusalReason::NotificationAddress)));
}

#[tokio::test]
async fn a_watch_is_renewed_and_ended() {
    let bench = bench(vec![once("PATCH /beta/subscriptions/gone", 404, ""), once("DELETE", 404, "")]).await;
    let until = bench.teams.renew("sub").await.unwrap();
    assert_eq!(until, now() + SignedDuration::from_mins(4_225));
    assert_eq!(bench.teams.renew("gone").await, Err(MeetingError::Gone));
    assert_eq!(bench.teams.unwatch("gone").await, Ok(()));
}

#[tokio::test]
async fn attendance_is_read_without_names() {
    let reports =
        Scripted { call: "attendanceReports", status: 200, retry_after: None, body: json!({"value": [{"id": "r"}]}) };
    let times = json!([{"joinDateTime": "2027-01-15T08:00:00Z", "leaveDateTime": "2027-01-15T08:20:00Z", "durationInSeconds": 1200}]);
    let report = Scripted {
        call: "attendanceReports/r?$expand=attendanceRecords",
        status: 200,
        retry_after: None,
        body: json!({"id": "r", "attendanceRecords": [
            {"emailAddress": "canary@example.org", "role": "Presenter", "attendanceIntervals": times,
                "identity": {"id": OID, "displayName": "Canary", "tenantId": null}},
            {"role": "Attendee", "attendanceIntervals": times, "identity": {"id": OID, "displayName": "Canary"}},
        ]}),
    };
    let bench = bench(vec![reports, report]).await;
    let meeting = bench.teams.ensure(&request()).await.unwrap();
    let attended = bench.teams.attendance(&meeting).await.unwrap();
    let identities: Vec<_> = attended.iter().map(|it| it.identity.clone()).collect();
    assert_eq!(identities, [LegIdentity::User { oid: OID.into(), tid: None }, LegIdentity::Guest { acs_id: None }]);
    assert_eq!(attended[0].intervals.len(), 1);
    assert!(!format!("{attended:?}").contains("anary"));
}
