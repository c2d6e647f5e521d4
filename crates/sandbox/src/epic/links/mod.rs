//! MyChart's older way to begin a visit: one encrypted parameter instead of a SMART launch. Which parameters there are is as
//! one vendor publishes them; how the key, the IV and the padding are made stands on no public page, so all of it is the
//! switch's to say. Encrypted by other code than the relay decrypts with. Leaves out links for Hyperspace users.

mod cipher;
mod profile;

pub(crate) use profile::Profile;

use super::chart::Appointment;
use crate::core::{Hospital, Organization, Patient, lock, switches::CONTEXT_LINKS};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Map, Value, json};
use std::{collections::HashMap, sync::Mutex};
use url::Url;

/// The hospitals whose portal makes such links, by organization key.
#[derive(Default)]
pub(crate) struct Links(Mutex<HashMap<&'static str, Profile>>);

impl Links {
    /// From now on this hospital's MyChart makes such links; `None`: SMART again.
    pub(crate) fn set(&self, organization: &Organization, profile: Option<Profile>) {
        let mut all = lock(&self.0);
        match profile {
            Some(profile) => all.insert(organization.key, profile),
            None => all.remove(organization.key),
        };
    }

    /// How the switch stands.
    fn of(&self, hospital: &Hospital, organization: &Organization) -> Option<Profile> {
        match hospital.switches.of(&CONTEXT_LINKS, organization.key) {
            "as-told" => lock(&self.0).get(organization.key).cloned(),
            name => serde_json::from_value(ready_made(organization, name)?).ok(),
        }
    }
}

/// A profile of this organization's own that needs no telling, as it stands in its description, by its name on the switch.
pub(crate) fn ready_made(organization: &Organization, name: &str) -> Option<Value> {
    let long = organization.link_secret.as_str();
    let short = &long[..16];
    let own = match name {
        "aes-256" => json!({ "key_bits": 256, "secret": long, "derivation": "text", "iv": "zero" }),
        "aes-128" => json!({ "key_bits": 128, "secret": short, "derivation": "text", "iv": "zero" }),
        "aes-256-beside" => json!({
            "key_bits": 256, "secret": long, "derivation": "text", "iv": "beside", "begins_with": "Link=RoomedVisits&",
        }),
        "aes-256-hex" => json!({
            "key_bits": 256, "secret": hex::encode(long), "derivation": "hex", "iv": "in-front", "padding": "zeros",
        }),
        "aes-128-base64" => json!({
            "key_bits": 128, "secret": BASE64_STANDARD.encode(short), "derivation": "base64", "iv": "of-key",
            "writing": "hex",
        }),
        "aes-128-derived" => json!({
            "key_bits": 128, "secret": long, "derivation": "crypt-derive-key", "iv": "fixed",
            "fixed_iv": "0f0e0d0c0b0a09080706050403020100",
        }),
        "aes-256-sha256" => json!({ "key_bits": 256, "secret": long, "derivation": "sha256", "iv": "zero" }),
        "aes-256-pbkdf2" => json!({
            "key_bits": 256, "secret": long, "derivation": "pbkdf2-sha1", "salt": "salt", "rounds": 1000,
            "iv": "after-key",
        }),
        "aes-128-pbkdf2" => json!({
            "key_bits": 128, "secret": long, "derivation": "pbkdf2-sha256", "salt": "salt", "rounds": 1000,
            "iv": "zero",
        }),
        _ => return None,
    };
    let mut profile = json!({
        "padding": "pkcs7", "writing": "base64", "zone": "America/Chicago", "validity_minutes": 60,
    });
    for (key, value) in own.as_object().into_iter().flatten() {
        profile[key] = value.clone();
    }
    Some(profile)
}

/// All of them, by name.
pub(crate) fn all_ready_made(organization: &Organization) -> Value {
    let named = CONTEXT_LINKS.values.iter().map(|(name, _)| *name);
    named.filter_map(|name| Some((name.to_owned(), ready_made(organization, name)?))).collect::<Map<_, _>>().into()
}

/// Where *Begin virtual visit* leads, if this hospital's portal makes such links; the inner `None`: no relay is registered.
pub(super) fn patient(
    hospital: &Hospital,
    organization: &Organization,
    appointment: &Appointment,
) -> Option<Option<String>> {
    let profile = hospital.epic.links.of(hospital, organization)?;
    Some(link(hospital, organization, appointment, &profile))
}

fn link(
    hospital: &Hospital,
    organization: &Organization,
    appointment: &Appointment,
    profile: &Profile,
) -> Option<String> {
    let patient = organization.patient(appointment.patient_id.as_deref()?)?;
    let base = hospital.relay_base()?;
    let text = text(organization, patient, appointment, profile);
    let mut iv = [0; cipher::BLOCK];
    iv.copy_from_slice(&hospital.random.token(cipher::BLOCK).into_bytes());
    let sealed = profile.seal(text.as_bytes(), iv).ok()?;
    let mut url = Url::parse(&format!("{base}/o/{}/patient", organization.key)).ok()?;
    url.query_pairs_mut().append_pair("extDataType", "1").append_pair("extData", &sealed.data);
    if let Some(iv) = sealed.iv {
        url.query_pairs_mut().append_pair("extIV", &iv);
    }
    // What reads `+` as it stands loses it on the way, as happens between portals and browsers.
    Some(if profile.bare_plus { url.as_str().replace("%2B", "+") } else { url.into() })
}

/// The record's text as the one public example has it, names included: the relay must not need them, nor repeat them.
fn text(organization: &Organization, patient: &Patient, appointment: &Appointment, profile: &Profile) -> String {
    let (csn, conference) = (&appointment.csn, appointment.conference());
    let space = if profile.leading_spaces { " " } else { "" };
    let time = profile.local(appointment.start);
    let mut text = format!(
        "{}SessionID={csn}&ConferenceID={conference}&ExternalID={space}{}&ExternalIDType={}&FirstName={}&LastName={}\
         &AppointmentTime={space}{time}&LinkValidityPeriod={}",
        profile.begins_with,
        patient.wpr,
        organization.patient_id_type,
        patient.given,
        patient.family,
        profile.validity_minutes,
    );
    if profile.plus_for_space {
        text = text.replace(' ', "+");
    }
    text
}
