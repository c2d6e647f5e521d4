//! May this person begin this visit? Pure: the facts come from the EHR, the answer is a standing or one clear reason.
//! Being late never refuses; a cancelled, missed, mistaken or completed appointment does, and so does a wrong chart.

use roomed_protocol::ProblemCode;

use crate::config::Covering;
use crate::ehr::{AppointmentFacts, Together};

/// How a clinician stands to a visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// On the appointment.
    Scheduled,
    /// Not on it, and said so.
    Covering,
}

/// The appointment as such: virtual, and not over.
pub fn can_be_held(facts: &AppointmentFacts) -> Result<(), ProblemCode> {
    match facts.status.as_str() {
        "cancelled" => Err(ProblemCode::AppointmentCancelled),
        "noshow" => Err(ProblemCode::AppointmentNoshow),
        "entered-in-error" => Err(ProblemCode::AppointmentEnteredInError),
        "fulfilled" => Err(ProblemCode::AppointmentFulfilled),
        _ if !facts.is_virtual => Err(ProblemCode::NotVirtual),
        _ => Ok(()),
    }
}

/// The patient: whose own appointment it is. A group's conference id says nothing about who is in it.
pub fn patient<'a>(scheduled: &'a Together, patient: &str) -> Result<&'a AppointmentFacts, ProblemCode> {
    match scheduled.of_patient(patient) {
        Some(own) => can_be_held(own).map(|()| own),
        None => {
            can_be_held(scheduled.first())?;
            Err(ProblemCode::WrongPatient)
        }
    }
}

/// The clinician: on the appointment, or covering where that is allowed; and launched from the chart of one of its
/// patients, whose own appointment it is that has to stand. Clinicians among themselves launch from no chart.
pub fn clinician(
    scheduled: &Together,
    practitioner: &str,
    chart_of: Option<&str>,
    says_covering: bool,
    policy: Covering,
) -> Result<Standing, ProblemCode> {
    let own = match chart_of {
        Some(patient) => scheduled.of_patient(patient),
        // From no chart, any of a group that can be held is enough.
        None => scheduled.all().iter().find(|it| can_be_held(it).is_ok()).or(Some(scheduled.first())),
    };
    match own {
        Some(own) => can_be_held(own)?,
        None => {
            can_be_held(scheduled.first())?;
            return Err(ProblemCode::WrongPatient);
        }
    }
    if scheduled.practitioners().into_iter().any(|id| id == practitioner) {
        return Ok(Standing::Scheduled);
    }
    match (policy, says_covering) {
        (Covering::Forbidden, _) => Err(ProblemCode::CoveringForbidden),
        (Covering::Allowed, false) => Err(ProblemCode::CoveringNeeded),
        (Covering::Allowed, true) => Ok(Standing::Covering),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(status: &str) -> AppointmentFacts {
        AppointmentFacts {
            id: "a".into(),
            status: status.into(),
            is_virtual: true,
            start: jiff::Timestamp::UNIX_EPOCH,
            end: jiff::Timestamp::UNIX_EPOCH,
            patient: Some("ada".into()),
            practitioners: vec!["maya".into(), "ben".into()],
            conference_id: Some("1".into()),
            group: None,
            location: None,
        }
    }

    #[test]
    fn each_status_that_is_over_has_its_own_reason_and_lateness_has_none() {
        for (status, code) in [
            ("cancelled", ProblemCode::AppointmentCancelled),
            ("noshow", ProblemCode::AppointmentNoshow),
            ("entered-in-error", ProblemCode::AppointmentEnteredInError),
            ("fulfilled", ProblemCode::AppointmentFulfilled),
        ] {
            assert_eq!(can_be_held(&facts(status)), Err(code), "{status}");
        }
        // The epoch was long ago: a visit that begins late is still a visit.
        for status in ["booked", "arrived", "checked-in", "pending"] {
            assert_eq!(can_be_held(&facts(status)), Ok(()), "{status}");
        }
    }

    #[test]
    fn an_office_visit_is_refused_but_a_cancelled_one_says_cancelled() {
        assert_eq!(
            can_be_held(&AppointmentFacts { is_virtual: false, ..facts("booked") }),
            Err(ProblemCode::NotVirtual)
        );
        let both = AppointmentFacts { is_virtual: false, ..facts("cancelled") };
        assert_eq!(can_be_held(&both), Err(ProblemCode::AppointmentCancelled));
    }

    #[test]
    fn who_is_on_it_may_begin_it_and_who_is_not_is_asked_once() {
        let facts = facts("booked").into();
        let stand = |who, covering, policy| clinician(&facts, who, Some("ada"), covering, policy);
        assert_eq!(stand("ben", false, Covering::Forbidden), Ok(Standing::Scheduled));
        assert_eq!(stand("ben", true, Covering::Allowed), Ok(Standing::Scheduled), "nobody covers for themselves");
        assert_eq!(stand("eve", false, Covering::Allowed), Err(ProblemCode::CoveringNeeded));
        assert_eq!(stand("eve", true, Covering::Allowed), Ok(Standing::Covering));
        assert_eq!(stand("eve", true, Covering::Forbidden), Err(ProblemCode::CoveringForbidden));
    }

    #[test]
    fn another_patients_chart_is_refused_before_anybody_is_asked_to_cover() {
        let wrong = clinician(&facts("booked").into(), "eve", Some("bob"), true, Covering::Allowed);
        assert_eq!(wrong, Err(ProblemCode::WrongPatient));
    }

    #[test]
    fn a_group_is_launched_from_the_chart_of_any_of_its_patients_and_of_no_other() {
        let of = |id: &str, patient: &str, status: &str| AppointmentFacts {
            id: id.into(),
            patient: Some(patient.into()),
            group: Some("9".into()),
            ..facts(status)
        };
        let all = Together::of(vec![of("a", "ada", "booked"), of("b", "bob", "booked"), of("c", "cy", "cancelled")]);
        let Some(all) = all else { panic!("there are three") };
        let stand = |chart| clinician(&all, "maya", chart, false, Covering::Forbidden);
        for chart in [Some("ada"), Some("bob"), None] {
            assert_eq!(stand(chart), Ok(Standing::Scheduled), "{chart:?}");
        }
        assert_eq!(stand(Some("cy")), Err(ProblemCode::AppointmentCancelled), "that patient is not to come");
        assert_eq!(stand(Some("dan")), Err(ProblemCode::WrongPatient));
    }

    #[test]
    fn clinicians_among_themselves_launch_from_no_chart() {
        let among = AppointmentFacts { patient: None, ..facts("booked") }.into();
        let stand = |chart| clinician(&among, "ben", chart, false, Covering::Forbidden);
        assert_eq!(stand(None), Ok(Standing::Scheduled));
        assert_eq!(stand(Some("ada")), Err(ProblemCode::WrongPatient));
    }
}
