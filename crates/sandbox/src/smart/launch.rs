//! *Begin virtual visit*, whoever's button it is: where a launch goes, with the addresses an analyst would have typed into
//! the EHR's launch records. `context` is what the record adds beside `iss` and `launch`.

use crate::core::Hospital;
use serde::Serialize;
use url::Url;

/// Where a clinician's launch may go.
#[derive(Serialize)]
pub(crate) struct ClinicianLaunch {
    /// The relay's launch page, with the record's context tokens.
    pub(crate) https_url: String,
    /// The companion's own scheme, with `iss` and `launch` only.
    pub(crate) roomed_url: String,
}

/// A clinician's; `None` while no relay is registered.
pub(crate) fn clinician(
    hospital: &Hospital,
    organization: &str,
    (iss, launch): (&str, &str),
    context: &[(&str, &str)],
) -> Option<ClinicianLaunch> {
    let base = hospital.relay_base()?;
    let common = [("iss", iss), ("launch", launch)];
    let all = common.into_iter().chain(context.iter().copied());
    let https_url = with_query(&format!("{base}/o/{organization}/launch"), all)?;
    let roomed_url = with_query("roomed://launch", common.into_iter())?;
    Some(ClinicianLaunch { https_url, roomed_url })
}

/// A patient's; `None` while no relay is registered.
pub(crate) fn patient(
    hospital: &Hospital,
    organization: &str,
    (iss, launch): (&str, &str),
    session: &str,
) -> Option<String> {
    let base = hospital.relay_base()?;
    let query = [("iss", iss), ("launch", launch), ("sessionId", session)];
    with_query(&format!("{base}/o/{organization}/patient"), query.into_iter())
}

fn with_query<'a>(base: &str, query: impl Iterator<Item = (&'a str, &'a str)>) -> Option<String> {
    let mut url = Url::parse(base).ok()?;
    url.query_pairs_mut().extend_pairs(query);
    Some(url.into())
}
