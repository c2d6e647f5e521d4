//! Backend Services at Epic: the client is believed as everywhere (`smart::assertion`), the scopes are Epic's own.

use super::{interconnect, scopes};
use crate::{
    core::{Hospital, Organization},
    smart::{Refused, assertion, grants::Subject},
};
use serde_json::{Value, json};

const ACCESS_SECONDS: i64 = 300;

pub(super) async fn client_credentials(
    hospital: &Hospital,
    organization: &Organization,
    form: &crate::web::Parameters,
) -> Result<Value, Refused> {
    let token_endpoint = format!("{}/oauth2/token", interconnect(hospital, organization));
    let expected = assertion::Expected { client_id: &hospital.epic.clients.backend, token_endpoint: &token_endpoint };
    assertion::check(hospital, form, &expected, &hospital.epic.grants.seen).await?;
    let granted = scopes::system(form.text("scope"));
    if granted.is_empty() {
        return Err(Refused::new("invalid_scope", "none of the scopes is registered"));
    }
    hospital.log("epic", "token.issued", json!({ "grant": "client_credentials", "organization": organization.key }));
    let scope = granted.join(" ");
    let grants = &hospital.epic.grants;
    let token = grants.access(hospital, organization.key, Subject::System, granted, ACCESS_SECONDS, None);
    Ok(json!({ "access_token": token, "token_type": "Bearer", "expires_in": ACCESS_SECONDS, "scope": scope }))
}
