//! Making a meeting: order and bodies of the calls, links, refusals, waits.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::time::Duration;

use super::*;

#[tokio::test]
async fn a_meeting_is_made_then_set_up_then_linked() {
    let bench = bench(vec![]).await;
    let meeting = bench.teams.ensure(&request()).await.unwrap();
    let at = format!("/v1.0/users/{OID}/onlineMeetings");
    assert_eq!(
        bench.calls(),
        [
            "POST /token".to_owned(),
            format!("POST {at}/createOrGet"),
            format!("PATCH {at}/M="),
            format!("GET {at}/M=/getVirtualAppointmentJoinWebUrl"),
        ]
    );
    assert_eq!(meeting.join_web_url, JOIN);
    assert_eq!(meeting.patient_join_url, "https://visit.example/route?x");
    assert!(meeting.virtual_appointment && meeting.thread.as_deref() == Some("19:m"));
    assert_eq!(
        bench.body("createOrGet"),
        json!({"externalId": "random", "subject": "Virtual visit", "startDateTime": "2027-01-15T08:00:00Z",
            "endDateTime": "2027-01-15T08:30:00Z"})
    );
    let settings = bench.body("PATCH");
    assert_eq!(settings["lobbyBypassSettings"]["scope"], "organizer");
    assert_eq!((&settings["recordAutomatically"], &settings["allowMeetingChat"]), (&json!(false), &json!("limited")));
    assert_eq!(
        settings["participants"]["attendees"],
        json!([{"identity": {"user": {"id": "clinician"}}, "role": "coorganizer"}])
    );
    bench.teams.ensure(&request()).await.unwrap();
    assert_eq!(bench.count("/token"), 1, "the token is kept");
}

#[tokio::test]
async fn without_a_virtual_appointment_the_patient_gets_the_plain_link() {
    let bench = bench(vec![once("getVirtual", 403, "no licence")]).await;
    let meeting = bench.teams.ensure(&request()).await.unwrap();
    assert_eq!((meeting.patient_join_url.as_str(), meeting.virtual_appointment), (JOIN, false));
}

#[tokio::test]
async fn refusals_name_what_is_missing() {
    let policy = "No application access policy found for this app";
    let named = "App x is not authorized to Create meeting on behalf of user y";
    let cases = [
        (once("createOrGet", 403, policy), RefusalReason::AccessPolicyMissing),
        (once("createOrGet", 401, named), RefusalReason::AccessPolicyMissing),
        (once("PATCH", 403, "Insufficient privileges"), RefusalReason::PermissionMissing),
        (once("createOrGet", 404, "no such user"), RefusalReason::PersonUnknown),
        (once("createOrGet", 400, "what?"), RefusalReason::Request),
        (once("token", 401, ""), RefusalReason::ClientCredentials),
    ];
    for (script, reason) in cases {
        let bench = bench(vec![script]).await;
        assert_eq!(bench.teams.ensure(&request()).await, Err(refused(reason)));
    }
    let strange = Scripted {
        call: "createOrGet",
        status: 201,
        retry_after: None,
        body: json!({"id": "x", "joinWebUrl": "javascript:x"}),
    };
    assert_eq!(bench(vec![strange]).await.teams.ensure(&request()).await, Err(refused(RefusalReason::Answer)));
}

#[tokio::test]
async fn a_stale_token_is_replaced_once() {
    let stale = || once("createOrGet", 401, "Lifetime validation failed");
    let once_stale = bench(vec![stale()]).await;
    assert!(once_stale.teams.ensure(&request()).await.is_ok());
    assert_eq!(once_stale.count("/token"), 2);
    let always = bench(vec![stale(), stale()]).await;
    assert_eq!(always.teams.ensure(&request()).await, Err(refused(RefusalReason::PermissionMissing)));
    assert_eq!(always.count("createOrGet"), 2);
}

#[tokio::test]
async fn waits_are_obeyed_up_to_a_limit() {
    let throttled =
        |seconds| Scripted { call: "createOrGet", status: 429, retry_after: Some(seconds), body: json!({}) };
    let short = bench(vec![throttled("0.01"), once("createOrGet", 502, "")]).await;
    assert!(short.teams.ensure(&request()).await.is_ok());
    assert_eq!(short.count("createOrGet"), 3);

    let long = bench(vec![throttled("999999999")]).await;
    let hour = Some(Duration::from_secs(3600));
    assert_eq!(long.teams.ensure(&request()).await, Err(MeetingError::Unreachable { retry_after: hour }));
    assert_eq!(long.count("createOrGet"), 1);

    let broken = bench((0..9).map(|_| once("createOrGet", 500, "")).collect()).await;
    assert_eq!(broken.teams.ensure(&request()).await, Err(MeetingError::Unreachable { retry_after: None }));
    assert_eq!(broken.count("createOrGet"), 4);
}
