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
