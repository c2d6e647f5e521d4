//! What the owner of a finding can paste where they put it right: commands, names of permissions, addresses. Nothing of it is
//! secret: it is what an admin or an analyst has typed or been given.

use super::code::FindingCode;
use crate::config::{EhrConfig, Organization};
use crate::ehr;
use crate::meeting::teams::notified_at;

/// What a finding is about.
#[derive(Clone, Copy)]
pub(super) struct About<'a> {
    pub(super) public_url: &'a str,
    pub(super) organization: Option<&'a Organization>,
    pub(super) connection: Option<&'a EhrConfig>,
}

/// What there is to paste, if anything.
pub(super) fn copy(code: FindingCode, about: &About<'_>) -> Option<String> {
    use FindingCode as C;
    let keys_at = || ehr::published_at(about.public_url);
    match (code, about.organization, about.connection) {
        (C::JwksOther | C::JwksUnreadable, _, _) => Some(keys_at()),
        (C::NotificationsUnreachable, _, _) => Some(notified_at(about.public_url).join("\n")),
        (C::EntraTenantUnknown | C::TenantUnknown, Some(it), _) => Some(it.tid.clone()),
        (C::AppUnknown, Some(it), _) => Some(it.entra.relay_client_id.clone()),
        (C::OrganizerUnknown, Some(it), _) => Some(it.organizer_oid.clone()),
        (C::AccessPolicyMissing, Some(it), _) => Some(format!(
            "New-CsApplicationAccessPolicy -Identity Roomed -AppIds \"{}\" -Description \"Roomed makes the meetings of virtual \
             visits\"\nGrant-CsApplicationAccessPolicy -PolicyName Roomed -Identity \"{}\"",
            it.entra.relay_client_id, it.organizer_oid
        )),
        (C::RemovalUnproven, Some(it), _) => Some(format!(
            "Set-CsApplicationMeetingConfiguration -AllowRemoveParticipantAppIds @{{Add=\"{}\"}}",
            it.entra.relay_client_id
        )),
        (C::MeetingsNotPermitted, _, _) => Some("OnlineMeetings.ReadWrite.All".into()),
        (C::PatientLinkNotPermitted, _, _) => Some("VirtualAppointment.Read.All".into()),
        (C::AttendanceNotPermitted, _, _) => Some("OnlineMeetingArtifact.Read.All".into()),
        (C::NotificationsNotPermitted, _, _) => Some("OnlineMeetings.Read.All".into()),
        (C::RemovalNotPermitted, _, _) => Some("Calls.JoinGroupCall.All".into()),
        (C::SmartAbsent | C::FhirOther | C::FhirUnknown, _, Some(it)) => r4_address(&it.iss),
        (C::BackendUnknown, _, Some(it)) => Some(format!("{}\n{}", it.backend_client_id, keys_at())),
        (C::BackendScopeMissing, _, Some(it)) => Some(ehr::scope(it)),
        _ => None,
    }
}

/// The R4 address beside one of another version, or one that was cut off before the version.
fn r4_address(iss: &str) -> Option<String> {
    let base = iss.trim_end_matches('/');
    let (before, last) = base.rsplit_once('/')?;
    match last.to_ascii_uppercase().as_str() {
        "DSTU2" | "DSTU3" | "STU3" | "R5" => Some(format!("{before}/R4")),
        "FHIR" => Some(format!("{base}/R4")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_r4_address_is_told_where_the_path_tells_it() {
        let of = |iss: &str| r4_address(iss);
        let epic = "https://ehr.example/interconnect/api/FHIR";
        let r4 = format!("{epic}/R4");
        for other in ["/DSTU2", "/dstu2", "/STU3", "/DSTU2/", "", "/"] {
            assert_eq!(of(&format!("{epic}{other}")).as_deref(), Some(r4.as_str()), "{other}");
        }
        assert_eq!(of(&r4), None);
        assert_eq!(of("https://ehr.example/r4/d075cf8b"), None);
    }
}
