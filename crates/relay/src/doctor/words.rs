//! The one exhaustive match from everything that can be found to its state, its owner and its words: nothing can be found
//! without a cause, somebody who can act, and what they can do. What they can paste somewhere is `copy.rs`.

use roomed_protocol::WhoCanFix;

use super::code::FindingCode;
use super::finding::State;

/// What belongs to a finding, whatever was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Words {
    /// How it stands.
    pub state: State,
    /// Whose it is.
    pub owner: WhoCanFix,
    /// What it means.
    pub cause: &'static str,
    /// What the owner can do.
    pub fix: &'static str,
}

const NOTHING: &str = "Nothing to do.";
const AGAIN: &str = "Put right what is named above as wrong, then run the doctor again.";

/// The words of a finding.
pub fn words(code: FindingCode) -> Words {
    use FindingCode as C;
    use State::{CannotTell, Fine, NotUsed, Wait, Wrong};
    use WhoCanFix::{EhrAnalyst as Analyst, It, Microsoft365Admin as Admin};
    let (state, owner, cause, fix) = match code {
        C::NotAsked => (CannotTell, It, "It was not asked, as something it needs is wrong or did not answer.", AGAIN),
        C::NoTime => (
            CannotTell,
            It,
            "There was no answer within the time this run takes for one organization or EHR.",
            "See whether the server is slow or a firewall swallows requests, then run the doctor again.",
        ),

        C::DatabaseFine => (Fine, It, "The database opens and its schema is this program's.", NOTHING),
        C::DatabaseAbsent => (
            Wrong,
            It,
            "There is no database at this address.",
            "Correct `database.url`, or start the relay once, which makes it.",
        ),
        C::DatabaseClosed => (
            Wrong,
            It,
            "The database does not open, or its server does not answer.",
            "Check `database.url`, the rights of the relay's user on the file, and whether the server runs.",
        ),
        C::DatabaseStrange => (
            Wrong,
            It,
            "The database opens and is not a relay's, or may not be read.",
            "Correct `database.url`, or give the relay's user the right to read its tables.",
        ),
        C::DatabaseOlder => (
            Wait,
            It,
            "The database is older than this program.",
            "Nothing, if an older relay still runs on it; else `roomed-relay migrate`, or the next start, brings it up.",
        ),
        C::DatabaseNewer => (
            Wrong,
            It,
            "The database is newer than this program, which will not start on it.",
            "Start the version that wrote it, or restore a backup from before the update.",
        ),
        C::DatabaseOther => (
            Wrong,
            It,
            "A step of the schema reads otherwise than this program's, or was left half done.",
            "Start the build that wrote it, or restore a backup from before it.",
        ),
        C::WritableFine => (Fine, It, "The relay may write to the database.", NOTHING),
        C::WritableNot => (
            Wrong,
            It,
            "This user may not write to the database: the rights are missing, the disk is read-only, or the server is a \
             standby.",
            "Run the doctor as the relay's user; if it stays so, give that user the right to write, or name the primary.",
        ),
        C::DiskFine => (Fine, It, "There is room on the disk.", NOTHING),
        C::DiskLow => (
            Wait,
            It,
            "Little room is left on the disk: under 1 GiB, or under 5 %.",
            "Make room before it is full: a relay that cannot write takes no more visits.",
        ),
        C::DiskFull => (
            Wrong,
            It,
            "The disk is full, or nearly.",
            "Make room now: a relay that cannot write takes no more visits.",
        ),
        C::DiskElsewhere => (NotUsed, It, "The database is on a server of its own.", "Watch that server's disk there."),
        C::DiskUnknown => (
            CannotTell,
            It,
            "The system does not say how much room there is.",
            "See that the directory exists and that this user may read it.",
        ),

        C::MasterKeyFine => (Fine, It, "The master key opens what it sealed.", NOTHING),
        C::MasterKeyUnusable => (
            Wrong,
            It,
            "There is no usable master key: its file cannot be read, or it is not 64 hexadecimal digits.",
            "Set `keys.master_key_file` (or `ROOMED__KEYS__MASTER_KEY`) to the key the relay was set up with.",
        ),
        C::MasterKeyWrong => (
            Wrong,
            It,
            "The master key is not the one this relay was set up with: it does not open the keys.",
            "Put the right key back. Without it nothing that is stored can be read, and the relay will not start.",
        ),
        C::KeysAbsent => (
            Wait,
            It,
            "There are no keys yet: the relay's first start makes them.",
            "Start the relay once. If it has run before, `keys.directory` is wrong, or its files are lost.",
        ),
        C::KeysLost => (
            Wrong,
            It,
            "The database is one that was in use, and the keys directory is empty: it is another directory, or its files are \
             lost. Without them nobody can open the visits that are under way.",
            "Correct `keys.directory`, or restore it, before the relay is started.",
        ),
        C::KeysUnreadable => (
            Wrong,
            It,
            "The keys directory cannot be read, or holds something that is no key.",
            "Run the doctor as the relay's user; if it stays so, see to the directory or restore it.",
        ),
        C::SigningKeysFine => (Fine, It, "The keys the relay signs with at EHRs are there.", NOTHING),
        C::CertificateFine => (Fine, It, "The certificate Graph seals its notifications for is good.", NOTHING),
        C::CertificateAbsent => (
            Wait,
            It,
            "There is no certificate for Graph's notifications yet: the relay's first start makes it.",
            "Start the relay once.",
        ),
        C::CertificateEnding => (
            Wait,
            It,
            "The certificate for Graph's notifications ends in less than 30 days. A running relay makes a new one every \
             half year, so it has not run for long.",
            "Start the relay and leave it running: it renews the certificate within a day.",
        ),
        C::CertificateEnded => (
            Wrong,
            It,
            "The certificate for Graph's notifications has ended.",
            "Start the relay and leave it running: it renews the certificate within a day.",
        ),

        C::AddressFine => (Fine, It, "The relay answers at its public address, as seen from here.", NOTHING),
        C::AddressUnreachable => (
            Wrong,
            It,
            "Nobody answers at `public_url`, as seen from here.",
            "See that the relay runs, that the name leads to it and that its certificate is trusted.",
        ),
        C::AddressOther => (
            Wrong,
            It,
            "Something else than a relay answers at `public_url`.",
            "Correct `public_url`, or let the proxy in front pass everything on, without redirects.",
        ),
        C::JwksFine => (Fine, It, "The keys published there are this relay's.", NOTHING),
        C::JwksOther => (
            Wrong,
            It,
            "The keys published at `public_url` are not those in the keys directory: no EHR will believe this relay.",
            "See that all nodes share one keys directory, that `public_url` leads to this relay, and start it again.",
        ),
        C::JwksUnreadable => (
            Wrong,
            It,
            "The published keys cannot be read.",
            "Let `/.well-known/jwks.json` through: EHRs fetch it without signing in.",
        ),
        C::TlsFine => (Fine, It, "The certificate is good.", NOTHING),
        C::TlsEnding => (
            Wait,
            It,
            "The certificate ends in less than 30 days.",
            "Renew it in time: companions, patients, EHRs and Graph stop at the day it ends.",
        ),
        C::TlsEnded => (Wrong, It, "The certificate has ended.", "Renew it now."),
        C::TlsNotUsed => (NotUsed, It, "The address is plain http on this machine (dev.loopback_http).", NOTHING),

        C::ClockFine => (Fine, It, "The clocks agree.", NOTHING),
        C::ClockOff => (
            Wrong,
            It,
            "This machine's clock and the server's differ by more than a minute: what one signs, the other takes for \
             expired or for not yet good.",
            "Have this machine keep time by NTP. If it does already, the other side is to be told.",
        ),
        C::ClockUnknown => (CannotTell, It, "The server does not say what time it has.", NOTHING),

        C::EntraFine => (Fine, Admin, "The tenant says the same of itself as the configuration.", NOTHING),
        C::EntraUnreachable => (
            Wrong,
            It,
            "Microsoft Entra does not answer, as seen from here.",
            "Let this machine reach `entra.authority` (https, port 443), also through the proxy.",
        ),
        C::EntraTenantUnknown => (
            Wrong,
            Admin,
            "Microsoft Entra knows no such tenant.",
            "Compare the tenant id in `entra.authority` with *Overview* in the Microsoft Entra admin center.",
        ),
        C::EntraIssuerOther => (
            Wrong,
            It,
            "The tenant's issuer is not `entra.authority`, letter by letter, so nobody's sign-in would hold.",
            "Write `entra.authority` as the tenant's OpenID configuration writes `issuer`.",
        ),
        C::EntraUnreadable => (
            Wrong,
            It,
            "What is answered at `entra.authority` is no OpenID configuration.",
            "Correct `entra.authority`; if it is right, a proxy answers in Entra's place.",
        ),
        C::TokenFine => (Fine, Admin, "The relay's client id and secret are good.", NOTHING),
        C::SecretExpired => (
            Wrong,
            Admin,
            "The relay's client secret has expired.",
            "Make a new one under *Certificates & secrets* of the app registration; IT puts it into \
             `entra.relay_client_secret`.",
        ),
        C::SecretWrong => (
            Wrong,
            Admin,
            "The relay's client secret is not one of the app registration's. The secret's id is often taken for its value.",
            "Copy the *Value* of a client secret (it is shown once); IT puts it into `entra.relay_client_secret`.",
        ),
        C::AppUnknown => (
            Wrong,
            Admin,
            "The tenant does not know the relay's application: nobody has consented to it, or the client id is another's.",
            "Compare `entra.relay_client_id` with the app registration, then grant admin consent.",
        ),
        C::TenantUnknown => (
            Wrong,
            Admin,
            "Microsoft Entra knows no tenant of the id in `graph.token_endpoint`.",
            "Compare it with *Overview* in the Microsoft Entra admin center.",
        ),
        C::TokenRefused => (
            Wrong,
            Admin,
            "Microsoft Entra refuses the relay's application for another reason.",
            "Look the number up (login.microsoftonline.com/error) and put the app registration right.",
        ),

        C::GraphUnreachable => (
            Wrong,
            It,
            "Microsoft does not answer, or asks to wait.",
            "Let this machine reach Graph and `graph.token_endpoint` (https, port 443); if it can, run the doctor again in a \
             few minutes.",
        ),
        C::GraphRefuses => (
            Wrong,
            It,
            "Microsoft Graph refuses the request for a reason of its own.",
            "Check `graph.base` and `graph.subscriptions_base`; with the status beside, Microsoft's support can say more.",
        ),
        C::ProbeGone => (
            CannotTell,
            It,
            "The doctor's test meeting was gone in between: perhaps another doctor ran at the same time.",
            "Run the doctor again.",
        ),
        C::MeetingsFine => (Fine, Admin, "The relay may make meetings for the organizer: one was made.", NOTHING),
        C::AccessPolicyMissing => (
            Wrong,
            Admin,
            "The relay may not make meetings for the organizer. Granted already? Then it may take up to 30 minutes.",
            "Grant the application access policy to the organizer's account (Teams PowerShell, below).",
        ),
        C::MeetingsNotPermitted => (
            Wrong,
            Admin,
            "The application permission OnlineMeetings.ReadWrite.All is missing, or nobody has consented to it.",
            "Add it to the app registration and grant admin consent; after a while without effect, the consent is missing.",
        ),
        C::OrganizerUnknown => (
            Wrong,
            Admin,
            "The organizer's account is not in the tenant, or its id is not an object id.",
            "Copy the account's *Object ID* from the Microsoft Entra admin center; IT puts it into `organizer_oid`.",
        ),
        C::PatientLinkFine => (Fine, Admin, "Patients can be given the Virtual Appointment link.", NOTHING),
        C::PatientLinkNotPermitted => (
            Wrong,
            Admin,
            "There is no Virtual Appointment link: VirtualAppointment.Read.All is missing, or the tenant's licences do not \
             have it. Patients get the ordinary Teams link, which may ask them to install Teams.",
            "Add the permission and grant admin consent; if it is there, check the organizer's Teams licence.",
        ),
        C::AttendanceFine => (Fine, Admin, "Attendance reports can be read.", NOTHING),
        C::AttendanceNotPermitted => (
            Wrong,
            Admin,
            "OnlineMeetingArtifact.Read.All is missing: what notifications missed of a visit cannot be looked up afterwards.",
            "Add it to the app registration and grant admin consent.",
        ),
        C::NotificationsFine => (Fine, It, "Graph reaches the relay's notification address from outside.", NOTHING),
        C::NotificationsUnreachable => (
            Wrong,
            It,
            "Graph cannot reach the relay's notification address from outside, so nobody's arrival would be noticed.",
            "See that the relay runs and let Microsoft reach these addresses (https, a publicly trusted certificate).",
        ),
        C::NotificationsNotPermitted => (
            Wrong,
            Admin,
            "Graph does not let the relay watch its meetings: OnlineMeetings.Read.All is missing.",
            "Add it to the app registration and grant admin consent.",
        ),
        C::RemovalUnproven => (
            CannotTell,
            Admin,
            "The relay may join calls. Whether the tenant lets it remove people shows only in a call.",
            "If *End for all* says that it may not, run the cmdlet below once (Teams PowerShell).",
        ),
        C::RemovalNotPermitted => (
            Wrong,
            Admin,
            "`meeting.removal` is on, and the relay may not join calls, so it cannot remove anybody.",
            "Add Calls.JoinGroupCall.All to the app registration and grant admin consent, or switch `removal` off.",
        ),
        C::RemovalNotUsed => (NotUsed, Admin, "People are asked to leave, not removed (`meeting.removal`).", NOTHING),
        C::CleanFine => (Fine, It, "What the doctor made was deleted again.", NOTHING),
        C::CleanLeft => (
            Wait,
            It,
            "The doctor's test meeting could not be deleted. It is in no calendar, and nobody has its link.",
            "Run the doctor again: it finds the same meeting and deletes it.",
        ),

        C::EhrTlsFine => (Fine, Analyst, "The EHR's certificate is good.", NOTHING),
        C::EhrTlsEnding => (
            Wait,
            Analyst,
            "The EHR's certificate ends in less than 30 days.",
            "Tell whoever looks after the EHR's servers: at the day it ends the relay can neither read nor write.",
        ),
        C::EhrTlsEnded => (
            Wrong,
            Analyst,
            "The EHR's certificate has ended, so the relay does not talk to it.",
            "Tell whoever looks after the EHR's servers to renew it.",
        ),
        C::SmartFine => (Fine, Analyst, "The EHR says where to sign in.", NOTHING),
        C::EhrUnreachable => (
            Wrong,
            It,
            "The EHR does not answer, as seen from here.",
            "Let this machine reach the EHR (https, port 443). If it can, the EHR is down: its own team knows more.",
        ),
        C::EhrForbidden => (
            Wrong,
            It,
            "The EHR's address is one the relay contacts nobody at: its name leads into a private network, or it is not https.",
            "If the EHR stands in the hospital's own network, name that range in `ehr.private_ranges`.",
        ),
        C::SmartAbsent => (
            Wrong,
            Analyst,
            "There is no SMART configuration at this address. An R4 address usually ends in R4, and may be cut off.",
            "Compare the address, letter by letter, with the `iss` of a launch.",
        ),
        C::SmartUnusable => (
            Wrong,
            Analyst,
            "The EHR's SMART configuration cannot be used: it is no JSON, lacks the token endpoint or PKCE S256, or names an \
             address that is not https.",
            "Show it to the EHR's vendor.",
        ),
        C::FhirFine => (Fine, Analyst, "The server speaks FHIR R4.", NOTHING),
        C::FhirOther => (
            Wrong,
            Analyst,
            "This is the address of another version of FHIR. Roomed needs the R4 one, which ends in R4.",
            "Replace the address in the configuration, and in the EHR's launch record if it is the same there.",
        ),
        C::FhirUnknown => (
            CannotTell,
            Analyst,
            "The server does not say which version of FHIR it speaks: its CapabilityStatement cannot be read.",
            "Compare the address with the `iss` of a launch; the R4 one usually ends in R4.",
        ),
        C::BackendFine => (Fine, Analyst, "The EHR knows the relay's keys and grants what it needs.", NOTHING),
        C::BackendUnknown => (
            Wrong,
            Analyst,
            "The EHR does not know our keys yet, or not this client id: Epic may take up to 12 hours to fetch new keys.",
            "Register the address of the keys below for the backend client, in this environment, and wait. If the clocks \
             differ (see there), correct that first.",
        ),
        C::BackendScopeMissing => (
            Wrong,
            Analyst,
            "The EHR lets the relay in, and does not grant all it needs.",
            "Add the APIs named here to the backend client's registration.",
        ),
        C::BackendRefused => (
            Wrong,
            Analyst,
            "The EHR refuses the relay's client for another reason.",
            "Check that the backend client is for Backend Services (client_credentials) and active in this environment.",
        ),
        C::WriteFine => (Fine, Analyst, "The EHR offers what the relay writes with.", NOTHING),
        C::WriteMissing => (
            Wrong,
            Analyst,
            "The EHR does not offer something the relay writes with, so the chart would not be told.",
            "Have it switched on for this server, or switch off what is not wanted (`communication`, `audit`).",
        ),
        C::WriteUnproven => (
            CannotTell,
            Analyst,
            "Epic's connection-status service has no call that changes nothing, so it was not called.",
            "Play a visit in the test environment and look at the schedule; `roomed-relay outbox list` says what Epic answered.",
        ),
        C::WriteNotUsed => (
            NotUsed,
            Analyst,
            "The schedule is not told who is connected: `connection_status` is not configured.",
            "Configure it if the schedule is to show it.",
        ),
        C::EnvironmentFine => (Fine, Analyst, "Nothing in the address speaks against the environment.", NOTHING),
        C::EnvironmentLooksProduction => (
            Wrong,
            Analyst,
            "The address looks like production, and the connection is marked as a test: real charts would be written to.",
            "Correct `environment` or the address.",
        ),
        C::EnvironmentLooksTest => (
            Wrong,
            Analyst,
            "The address looks like a test environment, and the connection is marked as production.",
            "Correct `environment` or the address.",
        ),
        C::EnvironmentBoth => (
            Wrong,
            Analyst,
            "The same address is marked as a test in one place and as production in another.",
            "Decide which it is, and correct the other.",
        ),
        C::EnvironmentHostShared => (
            CannotTell,
            Analyst,
            "The same server is used for test and production, at different paths.",
            "Compare both paths with the environments' names: two that were swapped look like this, too.",
        ),
    };
    Words { state, owner, cause, fix }
}
