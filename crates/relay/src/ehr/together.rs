//! Which appointments make one visit: one or, in a group, one for each patient, all with one conference id. Pure but for
//! the two questions that find them.

use jiff::Timestamp;

use super::{AppointmentFacts, Ehr, EhrError};

/// The appointments of one visit, never none: no two are of one patient.
#[derive(Clone, PartialEq, Eq)]
pub struct Together(Vec<AppointmentFacts>);

impl From<AppointmentFacts> for Together {
    fn from(facts: AppointmentFacts) -> Self {
        Self(vec![facts])
    }
}

impl std::fmt::Debug for Together {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(&self.0).finish()
    }
}

impl Together {
    /// `None` for no appointment. Of a patient who was booked anew the one that stands counts.
    pub fn of(mut all: Vec<AppointmentFacts>) -> Option<Self> {
        all.sort_by(|a, b| (!a.stands(), a.start, &a.id).cmp(&(!b.stands(), b.start, &b.id)));
        let mut kept: Vec<AppointmentFacts> = Vec::with_capacity(all.len());
        for facts in all {
            if facts.patient.is_none() || kept.iter().all(|it| it.patient != facts.patient) {
                kept.push(facts);
            }
        }
        (!kept.is_empty()).then_some(Self(kept))
    }

    /// What the context token of a launch record names: an appointment's number or a group's conference id.
    pub async fn of_token(ehr: &dyn Ehr, token: &str) -> Result<Option<Self>, EhrError> {
        match ehr.appointment_by_identifier(token).await? {
            Some(facts) => Self::around(ehr, facts).await.map(Some),
            None => Ok(Self::of(ehr.appointments_of_conference(token).await?)),
        }
    }

    /// An appointment with all others of its group.
    pub async fn around(ehr: &dyn Ehr, facts: AppointmentFacts) -> Result<Self, EhrError> {
        let Some(conference) = &facts.group else { return Ok(facts.into()) };
        let mut all = ehr.appointments_of_conference(conference).await?;
        if all.iter().all(|it| it.id != facts.id) {
            all.push(facts.clone());
        }
        Ok(Self::of(all).unwrap_or_else(|| facts.into()))
    }

    /// All of them: those that stand first, by start.
    pub fn all(&self) -> &[AppointmentFacts] {
        &self.0
    }

    /// Those that stand; where none does, all.
    pub fn standing(&self) -> impl Iterator<Item = &AppointmentFacts> {
        let any = self.0.iter().any(AppointmentFacts::stands);
        self.0.iter().filter(move |it| it.stands() || !any)
    }

    /// The first of them: in a group, any that stands.
    pub fn first(&self) -> &AppointmentFacts {
        &self.0[0]
    }

    /// The appointment of this patient.
    pub fn of_patient(&self, patient: &str) -> Option<&AppointmentFacts> {
        self.0.iter().find(|it| it.patient.as_deref() == Some(patient))
    }

    /// The conference id of a group.
    pub fn group(&self) -> Option<&str> {
        self.first().group.as_deref()
    }

    /// From the earliest start to the latest end.
    pub fn planned(&self) -> (Timestamp, Timestamp) {
        let first = self.first();
        self.standing().fold((first.start, first.end), |(start, end), it| (start.min(it.start), end.max(it.end)))
    }

    /// Everybody who is on any of them, once.
    pub fn practitioners(&self) -> Vec<&String> {
        let mut all: Vec<&String> = Vec::new();
        for practitioner in self.standing().flat_map(|it| &it.practitioners) {
            if !all.contains(&practitioner) {
                all.push(practitioner);
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(id: &str, patient: &str, status: &str, start: i64) -> AppointmentFacts {
        AppointmentFacts {
            id: id.into(),
            status: status.into(),
            is_virtual: true,
            start: Timestamp::from_second(start).unwrap_or_default(),
            end: Timestamp::from_second(start + 60).unwrap_or_default(),
            patient: Some(patient.into()),
            practitioners: vec!["maya".into(), format!("with {patient}")],
            conference_id: Some("9".into()),
            group: Some("9".into()),
            location: None,
        }
    }

    fn of(all: Vec<AppointmentFacts>) -> Together {
        Together::of(all).unwrap_or_else(|| facts("none", "nobody", "booked", 0).into())
    }

    #[test]
    fn what_was_cancelled_moves_nothing_and_brings_nobody() {
        let all = of(vec![
            facts("a", "ada", "cancelled", 10),
            facts("b", "bob", "booked", 100),
            facts("c", "cy", "arrived", 90),
        ]);
        assert_eq!(all.first().id, "c", "the first that stands");
        assert_eq!(all.planned(), (facts("", "", "", 90).start, facts("", "", "", 100).end));
        assert_eq!(all.practitioners(), ["maya", "with cy", "with bob"]);
        assert_eq!(
            all.of_patient("ada").map(|it| it.id.as_str()),
            Some("a"),
            "whoever launches it is told that it is cancelled"
        );
        let none_stands = of(vec![facts("a", "ada", "cancelled", 10), facts("b", "bob", "cancelled", 5)]);
        assert_eq!(none_stands.standing().count(), 2);
    }

    #[test]
    fn who_was_booked_anew_has_the_appointment_that_stands() {
        let all = of(vec![
            facts("old", "ada", "cancelled", 1),
            facts("new", "ada", "booked", 2),
            facts("b", "bob", "booked", 2),
        ]);
        assert_eq!(all.all().len(), 2);
        assert_eq!(all.of_patient("ada").map(|it| it.id.as_str()), Some("new"));
        assert_eq!(Together::of(Vec::new()), None);
    }
}
