//! Everything a check can find, by name. The names are the report's, so they stay what they are; what each means stands in
//! `words.rs`.

use serde::Serialize;

/// The enum and the list of all of it.
macro_rules! codes {
    ($($code:ident),* $(,)?) => {
        /// What was found.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        #[serde(rename_all = "kebab-case")]
        #[expect(missing_docs, reason = "each is explained in words.rs, to the people it concerns")]
        pub enum FindingCode {
            $($code),*
        }

        impl FindingCode {
            /// Every one.
            pub const ALL: &[Self] = &[$(Self::$code),*];
        }
    };
}

codes! {
    // Any check
    NotAsked,
    NoTime,

    // Database and disk
    DatabaseFine,
    DatabaseAbsent,
    DatabaseClosed,
    DatabaseStrange,
    DatabaseOlder,
    DatabaseNewer,
    DatabaseOther,
    WritableFine,
    WritableNot,
    DiskFine,
    DiskLow,
    DiskFull,
    DiskElsewhere,
    DiskUnknown,

    // Keys
    MasterKeyFine,
    MasterKeyUnusable,
    MasterKeyWrong,
    KeysAbsent,
    KeysLost,
    KeysUnreadable,
    SigningKeysFine,
    CertificateFine,
    CertificateAbsent,
    CertificateEnding,
    CertificateEnded,

    // The relay's own address
    AddressFine,
    AddressUnreachable,
    AddressOther,
    JwksFine,
    JwksOther,
    JwksUnreadable,
    TlsFine,
    TlsEnding,
    TlsEnded,
    TlsNotUsed,

    // Clocks
    ClockFine,
    ClockOff,
    ClockUnknown,

    // Microsoft Entra
    EntraFine,
    EntraUnreachable,
    EntraTenantUnknown,
    EntraIssuerOther,
    EntraUnreadable,
    TokenFine,
    SecretExpired,
    SecretWrong,
    AppUnknown,
    TenantUnknown,
    TokenRefused,

    // Microsoft Graph
    GraphUnreachable,
    GraphRefuses,
    ProbeGone,
    MeetingsFine,
    AccessPolicyMissing,
    MeetingsNotPermitted,
    OrganizerUnknown,
    PatientLinkFine,
    PatientLinkNotPermitted,
    AttendanceFine,
    AttendanceNotPermitted,
    NotificationsFine,
    NotificationsUnreachable,
    NotificationsNotPermitted,
    RemovalUnproven,
    RemovalNotPermitted,
    RemovalNotUsed,
    CleanFine,
    CleanLeft,

    // EHR
    EhrTlsFine,
    EhrTlsEnding,
    EhrTlsEnded,
    SmartFine,
    EhrUnreachable,
    EhrForbidden,
    SmartAbsent,
    SmartUnusable,
    FhirFine,
    FhirOther,
    FhirUnknown,
    BackendFine,
    BackendUnknown,
    BackendScopeMissing,
    BackendRefused,
    WriteFine,
    WriteMissing,
    WriteUnproven,
    WriteNotUsed,
    EnvironmentFine,
    EnvironmentLooksProduction,
    EnvironmentLooksTest,
    EnvironmentBoth,
    EnvironmentHostShared,
}
