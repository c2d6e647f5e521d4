//! Discovery documents and keys, per tenant and `common` (OpenID Connect Discovery 1.0; Entra's v2.0 metadata).

use super::{errors::Refusal, tokens};
use crate::core::{Hospital, Shared};
use axum::{
    Json,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

/// `GET /{tenant}/v2.0/.well-known/openid-configuration`
pub(super) async fn configuration(State(hospital): State<Shared>, Path(tenant): Path<String>) -> Response {
    let Some(tenant) = Tenant::parse(&hospital, &tenant) else {
        return Refusal::no_tenant().json(&hospital);
    };
    let base = &hospital.addresses().entra;
    let path = tenant.path();
    // `common` and `organizations` publish the issuer with a literal placeholder for the tenant.
    let issuer = match &tenant {
        Tenant::Organizations(_) => tokens::issuer(&hospital, "{tenantid}"),
        Tenant::One(tid) => tokens::issuer(&hospital, tid),
    };
    Json(json!({
        "token_endpoint": format!("{base}/{path}/oauth2/v2.0/token"),
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic", "self_signed_tls_client_auth"],
        "jwks_uri": format!("{base}/{path}/discovery/v2.0/keys"),
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "issuer": issuer,
        "request_uri_parameter_supported": false,
        "authorization_endpoint": format!("{base}/{path}/oauth2/v2.0/authorize"),
        "end_session_endpoint": format!("{base}/{path}/oauth2/v2.0/logout"),
        "http_logout_supported": true, "frontchannel_logout_supported": true,
        "claims_supported": ["sub", "iss", "cloud_instance_name", "aud", "exp", "iat", "auth_time", "acr", "nonce",
            "preferred_username", "name", "tid", "ver", "at_hash", "c_hash", "email"],
        "tenant_region_scope": null, "cloud_instance_name": "microsoftonline.com",
        "cloud_graph_host_name": "graph.windows.net", "msgraph_host": "graph.microsoft.com",
    }))
    .into_response()
}

/// `GET /{tenant}/discovery/v2.0/keys`
pub(super) async fn keys(State(hospital): State<Shared>, Path(tenant): Path<String>) -> Response {
    let Some(tenant) = Tenant::parse(&hospital, &tenant) else {
        return Refusal::no_tenant().json(&hospital);
    };
    let mut key = hospital.entra.key.jwk();
    key["x5t"] = key["kid"].clone();
    key["issuer"] = match &tenant {
        Tenant::Organizations(_) => Value::from(tokens::issuer(&hospital, "{tenantid}")),
        Tenant::One(tid) => Value::from(tokens::issuer(&hospital, tid)),
    };
    Json(json!({ "keys": [key] })).into_response()
}

/// The tenant segment of a path.
pub(super) enum Tenant {
    /// `common` or `organizations`: whichever tenant the account is in.
    Organizations(String),
    /// One tenant, by id.
    One(String),
}

impl Tenant {
    /// A tenant id, a verified domain, `common` or `organizations`; nothing else is a tenant.
    pub(super) fn parse(hospital: &Hospital, segment: &str) -> Option<Self> {
        if matches!(segment, "common" | "organizations") {
            return Some(Self::Organizations(segment.to_owned()));
        }
        let organization = hospital.organizations.iter().find(|it| it.tid == segment || it.domain == segment)?;
        Some(Self::One(organization.tid.clone()))
    }

    fn path(&self) -> &str {
        match self {
            Self::Organizations(segment) | Self::One(segment) => segment,
        }
    }

    /// Whether an account of tenant `tid` may sign in here.
    pub(super) fn admits(&self, tid: &str) -> bool {
        match self {
            Self::Organizations(_) => true,
            Self::One(only) => only == tid,
        }
    }
}
