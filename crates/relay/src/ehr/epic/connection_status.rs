//! The call itself (its public sources stand in `epic.rs`): a GET with side effects and ids in its query. So: no redirect is followed,
//! nothing is repeated by the HTTP client, nothing cached, and neither address nor answer body ever reaches a log.

use std::time::Duration;

use jiff::SignedDuration;
use reqwest::StatusCode;
use roomed_smart::UrlPolicy;
use secrecy::ExposeSecret;
use url::Url;

use super::super::Said;
use super::super::requests;
use crate::config::{BasicAuth, ConnectionStatus, Verb};
use crate::outbox::Role;

const ANSWER_LIMIT: Duration = Duration::from_secs(15);

/// The connection-status service of one organization.
pub(super) struct Setter {
    pub(super) status: ConnectionStatus,
    /// `None` where `interconnect` and `path` make no address.
    address: Option<Url>,
    client: reqwest::Client,
}

impl Setter {
    pub(super) fn new(
        status: ConnectionStatus,
        interconnect: &str,
        client: reqwest::Client,
        policy: UrlPolicy,
    ) -> Self {
        let address = policy.parse(&format!("{interconnect}{}", status.path)).ok();
        Self { status, address, client }
    }

    pub(super) async fn set(&self, conference: &str, external: &str, role: Role, status: i64) -> Said {
        let Some(address) = &self.address else {
            return Said::Never { reason: "The address of the connection-status service is not usable.".into() };
        };
        let kind = match role {
            Role::Patient => self.status.external_id_type.patient,
            Role::Practitioner => self.status.external_id_type.practitioner,
        };
        let mut url = address.clone();
        url.query_pairs_mut()
            .append_pair("ConferenceID", conference)
            .append_pair("ExternalID", external)
            .append_pair("ExternalIDType", &kind.to_string())
            .append_pair("VendorName", &self.status.vendor_name)
            .append_pair("ConnectionStatus", &status.to_string());
        let request = match self.status.verb {
            Verb::Get => self.client.get(url),
            Verb::Post => self.client.post(url).header("content-length", "0"),
        };
        let BasicAuth::Basic { user, password } = &self.status.auth;
        let request = request
            .basic_auth(user, Some(password.expose_secret()))
            .header("Epic-Client-ID", &self.status.epic_client_id)
            .header("cache-control", "no-store")
            .timeout(ANSWER_LIMIT);
        requests::left();
        match request.send().await {
            Ok(response) => {
                let after = roomed_smart::http::retry_after(response.headers());
                let after = after.and_then(|it| i64::try_from(it).ok());
                answered(response.status(), after)
            }
            Err(error) => unanswered(&error),
        }
    }
}

/// The classes of reference `ehr.md` 4.2. A 5xx of a setter tells nothing: it may have been applied before it failed.
fn answered(status: StatusCode, retry_after: Option<i64>) -> Said {
    let reason = format!("the connection-status service answered {}", status.as_u16());
    let retry_after = retry_after.map(SignedDuration::from_secs);
    match status.as_u16() {
        200..300 => Said::Accepted,
        // 401: user and password are being changed; then the newest state goes out by itself.
        401 | 408 | 425 | 429 | 503 => Said::NotNow { reason, retry_after },
        500.. => Said::NobodyKnows { reason },
        _ => Said::Never { reason: format!("The EHR does not take this connection status ({}).", status.as_u16()) },
    }
}

/// No answer. reqwest's own words name the address, so ours are used.
fn unanswered(error: &reqwest::Error) -> Said {
    if error.is_connect() {
        return Said::NotNow { reason: "no connection to the connection-status service".into(), retry_after: None };
    }
    let reason = if error.is_timeout() { "no answer in time" } else { "the connection broke before an answer" };
    Said::NobodyKnows { reason: reason.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_its_class() {
        let class = |status: u16| match answered(StatusCode::from_u16(status).expect("a status"), Some(3)) {
            Said::Accepted => "accepted",
            Said::NotNow { retry_after, .. } => {
                assert_eq!(retry_after, Some(SignedDuration::from_secs(3)));
                "not now"
            }
            Said::NobodyKnows { .. } => "nobody knows",
            Said::Never { .. } => "never",
            _ => "not from a status",
        };
        for (statuses, wanted) in [
            (&[200, 202, 204][..], "accepted"),
            (&[401, 408, 425, 429, 503], "not now"),
            (&[500, 502, 504, 599], "nobody knows"),
            (&[301, 302, 307, 400, 403, 404, 405, 409, 412, 422], "never"),
        ] {
            for status in statuses {
                assert_eq!(class(*status), wanted, "{status}");
            }
        }
    }
}
