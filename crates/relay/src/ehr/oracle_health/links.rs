//! The video links of an Appointment: four operations that Oracle takes only together, all `add` the first time and all
//! `replace` ever after. In the patch, contained 0 is the provider's link and contained 1 the patient's, whatever order a
//! read shows them in; on a read they are told apart by `type.text` (Oracle's "Patch an appointment" and its examples).

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Said, Step, resources};

/// Oracle's limit.
const LONGEST: usize = 255;

const PROVIDERS: &str = "Provider Virtual Meeting Room";
const PATIENTS: &str = "Patient Virtual Meeting Room";

/// What the appointment is to show.
pub(super) struct Links<'a> {
    provider: &'a str,
    patient: &'a str,
    from: Timestamp,
    until: Timestamp,
}

impl<'a> Links<'a> {
    /// Refuses what Oracle would refuse.
    pub(super) fn new(provider: &'a str, patient: &'a str, from: Timestamp, until: Timestamp) -> Result<Self, Said> {
        if provider.len() > LONGEST || patient.len() > LONGEST {
            let reason = format!("Oracle Health takes links of at most {LONGEST} characters, and ours is longer.");
            return Err(Said::Never { reason });
        }
        Ok(Self { provider, patient, from, until })
    }

    /// Against what a fresh read shows.
    pub(super) fn step(&self, appointment: &Value) -> Step {
        let (provider, patient) = (room(appointment, PROVIDERS), room(appointment, PATIENTS));
        if provider.is_some_and(|it| self.shows(it, self.provider))
            && patient.is_some_and(|it| self.shows(it, self.patient))
        {
            return Step::Done(Said::Accepted);
        }
        let op = if provider.is_some() || patient.is_some() { "replace" } else { "add" };
        let operation = |path: &str, value: &str| json!({ "op": op, "path": path, "value": value });
        Step::Patch(json!([
            operation("/contained/0/telecom/0/value", self.provider),
            operation("/contained/1/telecom/0/value", self.patient),
            operation("/contained/0/telecom/0/period/start", &resources::instant(self.from)),
            operation("/contained/0/telecom/0/period/end", &resources::instant(self.until)),
        ]))
    }

    fn shows(&self, telecom: &Value, url: &str) -> bool {
        let at = |end: &str| telecom["period"][end].as_str().and_then(|it| it.parse::<Timestamp>().ok());
        // To the millisecond, which is what we write.
        let same = |at: Option<Timestamp>, wanted: Timestamp| {
            at.is_some_and(|it| it.as_millisecond() == wanted.as_millisecond())
        };
        telecom["value"] == url && same(at("start"), self.from) && same(at("end"), self.until)
    }
}

/// The telecom of the contained room of this kind, if there are links yet.
fn room<'a>(appointment: &'a Value, kind: &str) -> Option<&'a Value> {
    let rooms = appointment["contained"].as_array()?;
    let is_of_kind = |room: &&Value| {
        room["resourceType"] == "HealthcareService"
            && room["type"].as_array().is_some_and(|it| it.iter().any(|concept| concept["text"] == kind))
    };
    rooms.iter().find(is_of_kind)?.pointer("/telecom/0")
}
