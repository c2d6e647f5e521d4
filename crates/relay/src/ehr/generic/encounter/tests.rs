//! Presence and stage on an Encounter, as tables.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use super::super::super::tests::fake::attendance;
use super::*;

const TEN: &str = "2026-11-22T10:00:00Z";
const ELEVEN: &str = "2026-11-22T11:00:00Z";
const NOON: &str = "2026-11-22T12:00:00Z";

fn told(role: Role, all: &[(Presence, &str)]) -> Value {
    let mut encounter = fresh("k", "a1", Some("p1"));
    for (presence, at) in all {
        let about = attendance(role, *presence, at);
        apply(&mut encounter, &about, &Place::Contained).unwrap();
        let before = encounter.clone();
        assert_eq!(apply(&mut encounter, &about, &Place::Contained), Ok(false), "said again it changes nothing");
        assert_eq!(before, encounter);
    }
    encounter
}

/// Start, end of each stay, by hour.
fn stays(encounter: &Value, list: &str) -> Vec<(String, String)> {
    let hour = |it: &Value| it.as_str().map_or(String::new(), |it| it[11..13].to_owned());
    let all = encounter[list].as_array().cloned().unwrap_or_default();
    all.iter().map(|it| (hour(&it["period"]["start"]), hour(&it["period"]["end"]))).collect()
}

#[test]
fn a_stay_is_opened_and_closed_and_never_written_twice() {
    use Presence::{Connected as In, Disconnected as Out};
    for role in [Role::Patient, Role::Practitioner] {
        let list = if role == Role::Patient { "location" } else { "participant" };
        for (all, wanted) in [
            (&[(In, TEN)][..], &[("10", "")][..]),
            (&[(In, TEN), (In, ELEVEN)], &[("10", "")]),
            (&[(In, TEN), (Out, ELEVEN)], &[("10", "11")]),
            (&[(In, TEN), (Out, ELEVEN), (Out, NOON)], &[("10", "11")]),
            (&[(In, TEN), (Out, ELEVEN), (In, NOON)], &[("10", "11"), ("12", "")]),
            // They never left: the same arrival, asserted again.
            (&[(In, TEN), (Out, ELEVEN), (In, TEN)], &[("10", "")]),
            // That they came was overtaken by that they left.
            (&[(Out, ELEVEN)], &[("", "11")]),
            (&[(Out, ELEVEN), (In, NOON)], &[("", "11"), ("12", "")]),
            // A period ends no sooner than it starts.
            (&[(In, ELEVEN), (Out, TEN)], &[("11", "11")]),
        ] {
            let encounter = told(role, all);
            let wanted: Vec<_> = wanted.iter().map(|(from, until)| ((*from).to_owned(), (*until).to_owned())).collect();
            assert_eq!(stays(&encounter, list), wanted, "{role:?} {all:?}");
        }
    }
}

#[test]
fn the_patient_is_at_a_location_and_never_a_participant() {
    let encounter = told(Role::Patient, &[(Presence::Connected, TEN)]);
    assert_eq!(encounter["participant"], Value::Null);
    assert_eq!(encounter["location"][0]["location"]["reference"], "#video");
    assert_eq!(encounter["location"][0]["status"], "active");
    assert_eq!(encounter["contained"][0]["id"], "video");
    assert_eq!(encounter["class"]["code"], "VR");
    let left = told(Role::Patient, &[(Presence::Connected, TEN), (Presence::Disconnected, ELEVEN)]);
    assert_eq!(left["location"][0]["status"], "completed");
    assert_eq!(left["contained"].as_array().unwrap().len(), 1);
}

#[test]
fn what_the_ehr_keeps_there_is_not_touched() {
    let theirs = json!({"resourceType": "Encounter", "id": "e", "status": "arrived", "class": {"code": "AMB"},
        "extension": [{"url": "x", "valueString": "y"}],
        "participant": [{"individual": {"reference": "Practitioner/d1"}, "period": {"start": "2026-11-22T08:00:00Z"}}],
        "location": [{"location": {"reference": "Location/ward"}, "status": "active"}]});
    let mut encounter = theirs.clone();
    for role in [Role::Patient, Role::Practitioner] {
        for (presence, at) in [(Presence::Connected, TEN), (Presence::Disconnected, ELEVEN)] {
            assert_eq!(apply(&mut encounter, &attendance(role, presence, at), &Place::Contained), Ok(true));
        }
    }
    for list in ["participant", "location"] {
        assert_eq!(encounter[list][0], theirs[list][0]);
        assert_eq!(encounter[list].as_array().unwrap().len(), 2);
    }
    assert_eq!((&encounter["extension"], &encounter["class"]), (&theirs["extension"], &theirs["class"]));
    assert_eq!(encounter["status"], "arrived", "who is there is not how far it is");
}

#[test]
fn a_location_under_an_absolute_or_resolved_reference_is_still_ours() {
    let place = Place::Own { key: "k".into(), way: super::super::super::create::Way::Conditional, page: "p".into() };
    let mut encounter = fresh("k", "a1", None);
    apply(&mut encounter, &attendance(Role::Patient, Presence::Connected, TEN), &place).unwrap();
    assert_eq!(encounter["location"][0]["location"]["reference"], "urn:uuid:k");
    // As the server resolved it.
    encounter["location"][0]["location"]["reference"] = json!("https://ehr.example/r4/Location/77");
    for (presence, at) in [(Presence::Disconnected, ELEVEN), (Presence::Connected, NOON)] {
        apply(&mut encounter, &attendance(Role::Patient, presence, at), &place).unwrap();
    }
    assert_eq!(stays(&encounter, "location").len(), 2);
    assert_eq!(encounter["location"][1]["location"]["reference"], "https://ehr.example/r4/Location/77");
    assert_eq!(encounter["contained"], Value::Null);
}

#[test]
fn a_stage_goes_forwards_only() {
    let at: Timestamp = TEN.parse().unwrap();
    // stands, wanted -> changed, already so, or never
    for (stands, wanted, outcome) in [
        ("planned", "arrived", "changed"),
        ("planned", "planned", "so"),
        ("planned", "finished", "changed"),
        ("planned", "cancelled", "so"),
        ("planned", "noshow", "changed"),
        ("unknown", "arrived", "changed"),
        ("arrived", "triaged", "changed"),
        ("arrived", "planned", "so"),
        ("in-progress", "arrived", "so"),
        ("onleave", "in-progress", "so"),
        ("onleave", "finished", "changed"),
        ("in-progress", "finished", "changed"),
        ("finished", "in-progress", "so"),
        ("finished", "finished", "so"),
        ("cancelled", "noshow", "so"),
        ("arrived", "cancelled", "so"),
        ("arrived", "noshow", "never"),
        ("finished", "cancelled", "so"),
        ("finished", "noshow", "never"),
        ("cancelled", "arrived", "never"),
        ("entered-in-error", "arrived", "never"),
    ] {
        let mut encounter = json!({ "status": stands });
        let got = match advance(&mut encounter, wanted, at) {
            Ok(true) => "changed",
            Ok(false) => "so",
            Err(Said::Never { .. }) => "never",
            Err(other) => panic!("{other:?}"),
        };
        assert_eq!(got, outcome, "{stands} -> {wanted}");
        let now = if got == "changed" { wanted.replace("noshow", "cancelled") } else { stands.to_owned() };
        assert_eq!(encounter["status"], now.as_str(), "{stands} -> {wanted}");
    }
}

#[test]
fn the_visits_own_encounter_is_chosen() {
    let of = |id: &str, class: &str, status: &str| json!({ "id": id, "class": { "code": class }, "status": status, "identifier": [] });
    let mut ours = of("ours", "VR", "planned");
    ours["identifier"] = json!([resources::identifier("k")]);
    let id = |found: Vec<Value>| of_visit(found, "k").map(|it| it.map(|it| it["id"].as_str().unwrap().to_owned()));
    assert_eq!(id(vec![]), Ok(None));
    assert_eq!(id(vec![of("one", "AMB", "planned")]), Ok(Some("one".into())));
    assert_eq!(id(vec![of("one", "VR", "planned"), ours]), Ok(Some("ours".into())));
    assert_eq!(id(vec![of("one", "AMB", "planned"), of("two", "VR", "planned")]), Ok(Some("two".into())));
    assert_eq!(id(vec![of("one", "VR", "entered-in-error")]), Ok(None));
    assert!(matches!(id(vec![of("one", "VR", "planned"), of("two", "VR", "planned")]), Err(Said::Never { .. })));
}
