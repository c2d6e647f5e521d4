//! Judges the Encounters at the R4 server: one of each visit, as far on as what was accepted makes it, and everybody's last
//! stay open or closed as they were last said to be. Read from the resources, as any other system would.

use anyhow::Context;
use serde_json::Value;

use super::checker::{Asked, Verdict};
use super::crowd::{Crowd, Part};
use super::scene::{Scene, Seen};

/// What we put into an Encounter is known by this.
const OURS: &str = "Video visit";

/// Judges a crowd's visits.
pub(super) async fn judge(scene: &Scene, crowd: &Crowd, seen: &Seen) -> anyhow::Result<Verdict> {
    let standing = scene.hospital.sandbox.get("/standing?ehr=r4").await?;
    let standing = standing["r4"]["encounters"].as_array().context("no encounters stand")?;
    let waits = seen.parked();
    let mut verdict = Verdict::default();
    for (n, two) in crowd.parts.chunks(2).enumerate() {
        let [patient, clinician] = two else { anyhow::bail!("a visit is not of two") };
        let (came, worked) = (crowd.said(2 * n)?, crowd.said(2 * n + 1)?);
        let of = format!("Appointment/{}", patient.appointment);
        let all: Vec<&Value> = standing
            .iter()
            .map(|it| &it["resource"])
            .filter(|it| it["appointment"][0]["reference"] == of.as_str())
            .collect();
        verdict.judged.doubled += u64::from(!all.is_empty());
        if all.len() > 1 {
            verdict.doubled += 1;
            verdict.find(format!("doubled: one visit has {} Encounters", all.len()));
        }
        let none = Value::Null;
        let encounter = all.first().copied().unwrap_or(&none);
        let stage = format!("{}//state", patient.visit);
        let wanted = status(&came, &worked);
        let is_judged = !waits.contains(stage.as_str()) && wanted != "planned";
        verdict.judged.lost += u64::from(is_judged);
        if is_judged && encounter["status"] != wanted {
            verdict.lost += 1;
            verdict.find(format!("lost: an Encounter is {}, and was to be {wanted}", encounter["status"]));
        }
        for (part, said) in [(patient, &came), (clinician, &worked)] {
            let Some(last) = said.last() else { continue };
            if waits.contains(part.state().as_str()) {
                verdict.parked += 1;
                continue;
            }
            verdict.judged.lost += 1;
            let stay = last_stay(encounter, part);
            if stay != Some(last.connected) {
                verdict.lost += 1;
                let who = if part.oid.is_none() { "patient" } else { "clinician" };
                let times = said.len();
                verdict.find(format!(
                    "lost: a {who}'s stay is open: {stay:?}, and was to be the last of {times}: {last:?}"
                ));
            }
        }
    }
    Ok(verdict)
}

/// Whether somebody's last stay is open; nothing if there is none.
fn last_stay(encounter: &Value, part: &Part) -> Option<bool> {
    let list = |name: &str| encounter[name].as_array().map(Vec::as_slice).unwrap_or_default();
    let entry = if part.oid.is_none() {
        list("location").iter().rfind(|it| it["location"]["display"] == OURS)
    } else {
        let person = format!("Practitioner/{}", part.fhir_id);
        let theirs = |it: &&Value| it["individual"]["reference"] == person.as_str() && it["type"][0]["text"] == OURS;
        list("participant").iter().rfind(theirs)
    };
    entry.map(|it| it["period"]["end"].is_null())
}

/// How far a visit is: in progress once both were there at once, arrived once the patient ever came.
fn status(patient: &[Asked], clinician: &[Asked]) -> &'static str {
    let (patients, clinicians) = (stays(patient), stays(clinician));
    let meets = |(from, to): &(i64, i64)| clinicians.iter().any(|(start, end)| from.max(start) < to.min(end));
    match () {
        () if patients.iter().any(meets) => "in-progress",
        () if !patients.is_empty() => "arrived",
        () => "planned",
    }
}

/// From and to; the last may not have ended.
fn stays(said: &[Asked]) -> Vec<(i64, i64)> {
    let ends = said.iter().skip(1).map(|it| it.asked).chain([i64::MAX]);
    said.iter().zip(ends).filter(|(it, _)| it.connected).map(|(it, end)| (it.asked, end)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::checker::Key;
    use super::*;

    fn said(times: &[i64]) -> Vec<Asked> {
        let one = |(n, at): (usize, &i64)| Asked { connected: n % 2 == 0, asked: *at, accepted: at + 5 };
        times.iter().enumerate().map(one).collect()
    }

    #[test]
    fn a_visit_is_as_far_as_its_people_make_it() {
        for (patient, clinician, wanted) in [
            (&[][..], &[1][..], "planned"),
            (&[5], &[], "arrived"),
            (&[5, 8], &[8], "arrived"),
            (&[5, 9], &[8], "in-progress"),
            (&[5, 6, 20], &[1, 5, 7, 19, 30], "in-progress"),
            (&[5, 6, 20, 22], &[1, 5, 7, 19], "arrived"),
        ] {
            assert_eq!(status(&said(patient), &said(clinician)), wanted, "{patient:?} {clinician:?}");
        }
    }

    #[test]
    fn only_our_own_last_stay_counts() {
        let part = |oid: Option<&str>| Part {
            key: Key { conference: String::new(), person: String::new() },
            appointment: "a".into(),
            visit: "v".into(),
            who: "w".into(),
            oid: oid.map(str::to_owned),
            fhir_id: "p1".into(),
        };
        let stay = |who: &str, period: Value| json!({ "individual": { "reference": format!("Practitioner/{who}") }, "type": [{ "text": OURS }], "period": period });
        let encounter = json!({
            "participant": [
                stay("p1", json!({ "start": "1", "end": "2" })),
                stay("p1", json!({ "start": "3" })),
                stay("p2", json!({ "start": "3", "end": "4" })),
            ],
            "location": [{ "location": { "display": "Room 1" }, "period": {} }],
        });
        assert_eq!(last_stay(&encounter, &part(Some("o"))), Some(true));
        assert_eq!(last_stay(&encounter, &part(None)), None);
        assert_eq!(last_stay(&Value::Null, &part(None)), None);
    }
}
