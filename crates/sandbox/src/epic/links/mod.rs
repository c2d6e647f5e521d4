//! MyChart's older way to begin a visit: one encrypted parameter instead of a SMART launch. Which parameters there are is as
//! one vendor publishes them; how the key, the IV and the padding are made stands on no public page, so all of it is the
//! switch's to say. Encrypted by other code than the relay decrypts with. Leaves out links for Hyperspace users.

mod cipher;
mod profile;

pub(crate) use profile::Profile;

use super::chart::Appointment;
use crate::core::{Hospital, Organization, Patient, lock, switches::CONTEXT_LINKS};
use serde_json::{Value, json};
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
            "aes-256" => serde_json::from_value(ready_made(organization, 256)).ok(),
            "aes-128" => serde_json::from_value(ready_made(organization, 128)).ok(),
            _ => None,
        }
    }
}

/// A profile of this organization's own that needs no telling, as it stands in its description.
pub(crate) fn ready_made(organization: &Organization, key_bits: usize) -> Value {
    let secret = if key_bits == 256 { &organization.link_secret[..] } else { &organization.link_secret[..16] };
    json!({
        "key_bits": key_bits, "secret": secret, "derivation": "text", "iv": "zero", "padding": "pkcs7",
        "writing": "base64", "zone": "America/Chicago", "validity_minutes": 60,
    })
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
