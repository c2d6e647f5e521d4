//! Which version of the stored form a visit needs. What an older relay does not know it would drop when it writes the
//! visit back, so a visit that holds anything of the kind says so, and an older relay leaves it alone.

use crate::participant::Role;
use crate::plan::AlertOn;
use crate::visit::Visit;

impl Visit {
    /// 0 for a visit that the first relays understand whole; 1 where more people, words or device tests are in it; 2 where
    /// a patient of a group was withdrawn; 3 where the EHR's cancellation waits for a clinician.
    pub fn format(&self) -> u32 {
        if self.decisions.called_off.is_some() {
            return 3;
        }
        if !self.decisions.withdrawn.is_empty() {
            return 2;
        }
        let (evidence, decisions) = (&self.evidence, &self.decisions);
        let usual = |role: &Role| matches!(role, Role::Patient | Role::Practitioner { .. });
        let plain = self.patients().count() <= 1
            && self.participants.values().all(|person| usual(&person.role))
            && evidence.left.is_empty()
            && evidence.tests.is_empty()
            && evidence.help.is_empty()
            && evidence.answers.is_empty()
            && decisions.messages.is_empty()
            && decisions.assigned.is_empty()
            && decisions.help_taken.is_empty()
            && decisions.undone.is_none()
            && self.policy.alert_on == AlertOn::Arrived
            && self.policy.proxy_in_chart
            && self.once.is_empty();
        u32::from(!plain)
    }
}
