//! The three generations of call events, in the words of Microsoft's documentation (reference/microsoft.md 4.6).
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use serde_json::json;

use super::super::event::{Sighting, read};
use crate::meeting::{Leg, LegIdentity, LegState, MeetingEventKind};

const OID: &str = "f92ca67f-0564-414b-8caa-8c95b8099928";
const TID: &str = "85045508-f5bd-405e-a553-52700f86e29c";

fn parse(value: &serde_json::Value) -> Option<Sighting> {
    read(value.to_string().as_bytes())
}

fn legs(value: &serde_json::Value) -> Vec<Leg> {
    match parse(value).unwrap().kind {
        MeetingEventKind::Roster(legs) => legs,
        other => panic!("{other:?}"),
    }
}

fn user() -> LegIdentity {
    LegIdentity::User { oid: OID.into(), tid: Some(TID.into()) }
}

#[test]
fn the_first_generation() {
    let id = "communications/onlineMeetings?$filter=joinWebUrl+eq+'x'";
    let roster = json!({
        "@odata.type": "#Microsoft.Graph.onlineMeeting", "@odata.id": id, "id": id,
        "eventType": "Microsoft.Communication.CallRosterUpdate", "eventDateTime": "2022-02-28T00:00:00.0000000Z",
        "activeParticipants@joined": [{"Id": "leg-1", "Identity": {"User":
            {"Id": OID, "DisplayName": "Canary Name", "TenantId": TID}}}],
        "activeParticipants@exited": [{"Id": "leg-2", "Identity": {"AzureCommunicationServicesUser":
            {"AzureCommunicationServicesResourceId": "r", "Id": "8:acs:r_u", "DisplayName": "Canary Name"}}}],
    });
    assert_eq!(
        legs(&roster),
        [
            Leg { id: "leg-1".into(), state: LegState::In, identity: user(), sequence: None },
            Leg {
                id: "leg-2".into(),
                state: LegState::Left { inactive: false },
                identity: LegIdentity::Guest { acs_id: Some("8:acs:r_u".into()) },
                sequence: None
            },
        ]
    );
    let started = json!({"id": id, "eventType": "{Microsoft.Communication.CallStarted}",
        "eventDateTime": "2022-02-28T18:41:33.0553203Z", "state": "active"});
    let started = parse(&started).unwrap();
    assert_eq!(started.kind, MeetingEventKind::CallStarted);
    assert_eq!(started.occurred_at.unwrap().to_string(), "2022-02-28T18:41:33.0553203Z");
    // `id` names the meeting here, so it cannot be what tells events apart
    assert_ne!(started.id, parse(&roster).unwrap().id);
}

#[test]
fn the_second_generation() {
    let roster = json!({
        "@odata.type": "#microsoft.graph.callevent", "id": "n-1",
        "eventType": "rosterUpdated", "eventDateTime": "2026-01-05T14:30:00Z",
        "participants@delta": [
            {"id": "a", "isInLobby": false, "info": {"identity": {"user":
                {"id": OID, "displayName": "Canary Name", "tenantId": TID}}}},
            {"id": "b", "isInLobby": true, "rosterSequenceNumber": 7, "removedState": null, "info": {"identity":
                {"user": null, "guest": {"id": "canary@example.org", "displayName": "Canary Name"}}}},
            {"id": "c", "isInLobby": false, "info": {"identity": {"user": {"id": OID, "displayName": "Canary Name",
                "userIdentityType": "anonymousGuest"}}},
                "removedState": {"reason": "Participant has entered an inactive state in the roster."}},
            {"id": "d", "info": {"identity": {"phone": {"id": "+15550100"}}},
                "removedState": {"reason": "Participant has left the meeting call."}},
            {"isInLobby": true},
        ],
    });
    let legs = legs(&roster);
    let states: Vec<_> = legs.iter().map(|it| (it.id.as_str(), it.state)).collect();
    assert_eq!(
        states,
        [
            ("a", LegState::In),
            ("b", LegState::Lobby),
            ("c", LegState::Left { inactive: true }),
            ("d", LegState::Left { inactive: false })
        ]
    );
    let guest = LegIdentity::Guest { acs_id: None };
    let identities: Vec<_> = legs.iter().map(|it| it.identity.clone()).collect();
    assert_eq!(identities, [user(), guest.clone(), guest, LegIdentity::Other]);
    assert_eq!(legs[1].sequence, Some(7));
    let kept = format!("{:?}", parse(&roster).unwrap());
    assert!(!kept.contains("anary") && !kept.contains("+1555"), "names, addresses and numbers are not kept: {kept}");
}

#[test]
fn the_third_generation() {
    let roster = json!({"id": "n-2", "callEventType": "rosterUpdated", "eventDateTime": "2026-01-05T14:30:00Z",
        "rosterSequenceNumber": 3, "participants": [{"id": "a", "isInLobby": true, "info": {"identity": {}}}]});
    let expected = Leg { id: "a".into(), state: LegState::Lobby, identity: LegIdentity::Other, sequence: Some(3) };
    assert_eq!(legs(&roster), [expected]);
    let ended = json!({"ID": "n-3", "CallEventType": "CallEnded", "EventDateTime": "2026-01-05T14:30:00Z"});
    assert_eq!(parse(&ended).unwrap().kind, MeetingEventKind::CallEnded);
}

#[test]
fn a_repeated_event_has_the_same_id_and_another_one_has_not() {
    let event =
        |at: &str, id: &str| parse(&json!({"id": id, "eventType": "callStarted", "eventDateTime": at})).unwrap().id;
    assert_eq!(event("2026-01-05T14:30:00Z", "n"), event("2026-01-05T14:30:00Z", "n"));
    assert_ne!(event("2026-01-05T14:30:00Z", "n"), event("2026-01-05T14:30:01Z", "n"));
    assert_ne!(event("2026-01-05T14:30:00Z", "n"), event("2026-01-05T14:30:00Z", "m"));
}

#[test]
fn what_is_no_call_event_is_none() {
    for value in [
        json!({}),
        json!([]),
        json!("rosterUpdated"),
        json!({"eventType": "transcriptionStarted"}),
        json!({"eventType": 7}),
    ] {
        assert_eq!(parse(&value), None);
    }
}
