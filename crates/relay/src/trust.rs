//! May this person begin this visit? Pure: the facts come from the EHR, the answer is a standing or one clear reason.
//! Being late never refuses; a cancelled, missed, mistaken or completed appointment does, and so does a wrong chart.

use roomed_protocol::ProblemCode;

use crate::config::Covering;
use crate::ehr::AppointmentFacts;

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

/// The clinician: on the appointment, or covering where that is allowed; and launched from that patient's chart.
pub fn clinician(
    facts: &AppointmentFacts,
    practitioner: &str,
    chart_of: Option<&str>,
    says_covering: bool,
    policy: Covering,
) -> Result<Standing, ProblemCode> {
    can_be_held(facts)?;
    if chart_of.is_some_and(|patient| patient != facts.patient) {
        return Err(ProblemCode::WrongPatient);
    }
    if facts.practitioners.iter().any(|id| id == practitioner) {
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
            patient: "ada".into(),
            practitioners: vec!["maya".into(), "ben".into()],
            conference_id: Some("1".into()),
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
        let facts = facts("booked");
        let stand = |who, covering, policy| clinician(&facts, who, Some("ada"), covering, policy);
        assert_eq!(stand("ben", false, Covering::Forbidden), Ok(Standing::Scheduled));
        assert_eq!(stand("ben", true, Covering::Allowed), Ok(Standing::Scheduled), "nobody covers for themselves");
        assert_eq!(stand("eve", false, Covering::Allowed), Err(ProblemCode::CoveringNeeded));
        assert_eq!(stand("eve", true, Covering::Allowed), Ok(Standing::Covering));
        assert_eq!(stand("eve", true, Covering::Forbidden), Err(ProblemCode::CoveringForbidden));
    }

    #[test]
    fn another_patients_chart_is_refused_before_anybody_is_asked_to_cover() {
        let wrong = clinician(&facts("booked"), "eve", Some("bob"), true, Covering::Allowed);
        assert_eq!(wrong, Err(ProblemCode::WrongPatient));
    }
}
