//! What an EHR has promised to somebody who launches and may take back: launch tokens (five minutes, once), codes (one
//! minute, once), access tokens, and the `jti` values seen (SMART App Launch 2.2, EHR launch and Backend Services).

use super::clients::Audience;
use crate::{
    core::{Ehr, Hospital, lock},
    smart::assertion::Seen,
};
use jiff::Timestamp;
use std::{collections::HashMap, sync::Mutex};

const LAUNCH_SECONDS: i64 = 300;
const CODE_SECONDS: i64 = 60;

/// Who pressed *Begin virtual visit*.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Launcher {
    /// A user of the chart, by object id.
    Clinician { oid: String },
    /// A user of the portal, by FHIR id.
    Patient { patient_id: String },
    /// A user of the portal who acts for the launch's patient: what `fhirUser` says of them, `Type/id`.
    Proxy { fhir_user: String },
}

impl Launcher {
    /// The kind of app this launcher starts.
    pub(crate) fn audience(&self) -> Audience {
        match self {
            Self::Clinician { .. } => Audience::Clinician,
            Self::Patient { .. } | Self::Proxy { .. } => Audience::Patient,
        }
    }
}

/// What a launch token is bound to.
#[derive(Clone, Debug)]
pub(crate) struct Launch {
    pub(crate) organization: &'static str,
    pub(crate) launcher: Launcher,
    /// None where clinicians meet without a patient.
    pub(crate) patient_id: Option<String>,
    /// None while the desk has planned no Encounter.
    pub(crate) encounter_id: Option<String>,
}

/// What a code is bound to.
#[derive(Clone, Debug)]
pub(crate) struct Code {
    pub(crate) launch: Launch,
    pub(crate) client_id: String,
    pub(crate) redirect_uri: String,
    pub(crate) challenge: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) nonce: Option<String>,
}

/// Whom an access token speaks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// A clinician, with the patient in context if there is one.
    User { patient_id: Option<String> },
    /// A patient, or whoever acts for them: this record only.
    Patient { patient_id: String },
    /// Backend Services.
    System,
}

/// What an access token opens.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    pub(crate) organization: &'static str,
    pub(crate) subject: Subject,
    pub(crate) scopes: Vec<String>,
    expires: Timestamp,
}

/// Why a code is not redeemed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CodeRefused {
    Unknown,
    Expired,
    Replayed,
}

struct HeldCode {
    code: Code,
    expires: Timestamp,
    used: bool,
    /// The access token issued for it; a replay takes it back (RFC 6749 4.1.2).
    token: Option<String>,
}

/// All promises of one EHR, at both hospitals.
pub(crate) struct Grants {
    ehr: Ehr,
    launches: Mutex<HashMap<String, (Launch, Timestamp)>>,
    codes: Mutex<HashMap<String, HeldCode>>,
    access: Mutex<HashMap<String, Access>>,
    /// The `jti` values of Backend Services.
    pub(crate) seen: Seen,
}

impl Grants {
    pub(crate) fn new(ehr: Ehr) -> Self {
        Self {
            ehr,
            launches: Mutex::default(),
            codes: Mutex::default(),
            access: Mutex::default(),
            seen: Seen::default(),
        }
    }

    /// Mints a launch token.
    pub(crate) fn launch(&self, hospital: &Hospital, launch: Launch) -> String {
        let token = hospital.random.token(64);
        self.secret(hospital, "launch", &token);
        let expires = hospital.clock.in_seconds(LAUNCH_SECONDS);
        lock(&self.launches).insert(token.clone(), (launch, expires));
        token
    }

    fn secret(&self, hospital: &Hospital, what: &str, value: &str) {
        hospital.canaries.secret(&format!("{}.{what}", self.ehr.word()), value);
    }

    /// Takes a launch token: once, in time, at the hospital and for the kind of app it was made for.
    pub(crate) fn take_launch(
        &self,
        token: &str,
        organization: &str,
        audience: Audience,
        now: Timestamp,
    ) -> Option<Launch> {
        let (launch, expires) = lock(&self.launches).remove(token)?;
        let fits = launch.organization == organization && launch.launcher.audience() == audience;
        (fits && now < expires).then_some(launch)
    }

    /// Mints a code.
    pub(crate) fn code(&self, hospital: &Hospital, code: Code) -> String {
        let text = hospital.random.token(96);
        self.secret(hospital, "code", &text);
        let held = HeldCode { code, expires: hospital.clock.in_seconds(CODE_SECONDS), used: false, token: None };
        lock(&self.codes).insert(text.clone(), held);
        text
    }

    /// Takes a code; from now on it is used. A replay takes back what the first use was given.
    pub(crate) fn take_code(&self, text: &str, now: Timestamp) -> Result<Code, CodeRefused> {
        let mut codes = lock(&self.codes);
        let held = codes.get_mut(text).ok_or(CodeRefused::Unknown)?;
        if std::mem::replace(&mut held.used, true) {
            if let Some(token) = held.token.take() {
                lock(&self.access).remove(&token);
            }
            return Err(CodeRefused::Replayed);
        }
        if now >= held.expires { Err(CodeRefused::Expired) } else { Ok(held.code.clone()) }
    }

    /// Mints an access token for `seconds`; `code` is what it was exchanged for.
    pub(crate) fn access(
        &self,
        hospital: &Hospital,
        organization: &'static str,
        subject: Subject,
        scopes: Vec<String>,
        seconds: i64,
        code: Option<&str>,
    ) -> String {
        let token = hospital.random.token(160);
        self.secret(hospital, "access_token", &token);
        let expires = hospital.clock.in_seconds(seconds);
        let mut codes = lock(&self.codes);
        lock(&self.access).insert(token.clone(), Access { organization, subject, scopes, expires });
        if let Some(held) = code.and_then(|it| codes.get_mut(it)) {
            held.token = Some(token.clone());
        }
        token
    }

    /// What an access token opens, if it is alive.
    pub(crate) fn opens(&self, token: &str, now: Timestamp) -> Option<Access> {
        lock(&self.access).get(token).filter(|it| now < it.expires).cloned()
    }

    /// Takes an access token back.
    pub(crate) fn revoke(&self, token: &str) {
        lock(&self.access).remove(token);
    }
}
