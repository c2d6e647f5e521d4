//! The authorize endpoint for the native client (loopback redirect on any port) and the relay's web page: PKCE S256, account
//! picker, single sign-on. Entra wants PKCE of native clients; here the web page owes it too.
//! Entra ignores the port of a loopback redirect but not its path (reference: redirect URI restrictions).

use super::{
    apps::App,
    discovery::Tenant,
    errors::{Refusal, found},
    grants::CodeGrant,
    session,
};
use crate::{
    core::{Hospital, Organization, Person, Shared},
    pages::{Markup, Page},
    web::{self, Parameters},
};
use axum::{
    extract::{Path, RawQuery, State},
    http::{HeaderMap, StatusCode, header},
    response::Response,
};
use serde_json::json;
use url::Url;

/// Entra's codes live about ten minutes.
const CODE_SECONDS: i64 = 600;

/// `GET /{tenant}/oauth2/v2.0/authorize`
pub(super) async fn show(
    State(hospital): State<Shared>,
    Path(tenant): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let query = query.unwrap_or_default();
    let request = match Request::parse(&hospital, &tenant, &query) {
        Ok(request) => request,
        Err(response) => return *response,
    };
    let session = session::signed_in(&hospital, &headers).filter(|(organization, person)| {
        let hinted = request.login_hint.as_deref().is_none_or(|hint| hint.eq_ignore_ascii_case(&person.upn));
        hinted && request.tenant.admits(&organization.tid)
    });
    match (request.prompt.as_str(), session) {
        ("none", None) => {
            Refusal::new(50_058, "login_required", "A silent sign-in request was sent but no user is signed in.")
                .redirect(&hospital, &request.redirect_uri, request.state.as_deref())
        }
        ("" | "none", Some((organization, person))) => request.grant(&hospital, organization, person),
        _ => request.picker(&hospital, &tenant, &query),
    }
}

/// `POST /{tenant}/pick`: what the account picker's buttons send.
pub(super) async fn pick(State(hospital): State<Shared>, Path(tenant): Path<String>, body: String) -> Response {
    let form = Parameters::parse(&body);
    let request = match Request::parse(&hospital, &tenant, form.text("request")) {
        Ok(request) => request,
        Err(response) => return *response,
    };
    let chosen = hospital.organizations.iter().find_map(|organization| {
        organization.accounts().find(|it| it.upn == form.text("account")).map(|person| (organization, person))
    });
    let Some((organization, person)) = chosen else {
        return Refusal::new(50_034, "access_denied", "The user account does not exist in the directory.")
            .page(&hospital);
    };
    if !request.tenant.admits(&organization.tid) {
        let text = "User account from identity provider does not exist in tenant and cannot access the application.";
        return Refusal::new(50_020, "access_denied", text).page(&hospital);
    }
    let mut response = request.grant(&hospital, organization, person);
    response.headers_mut().append(header::SET_COOKIE, session::sign_in(&hospital, &person.oid));
    response
}

/// A request that may be granted once we know to whom.
struct Request {
    tenant: Tenant,
    app: App,
    redirect_uri: Url,
    redirect_text: String,
    state: Option<String>,
    nonce: Option<String>,
    challenge: String,
    scopes: Vec<String>,
    prompt: String,
    login_hint: Option<String>,
}

impl Request {
    fn parse(hospital: &Hospital, tenant: &str, query: &str) -> Result<Self, Box<Response>> {
        let parameters = Parameters::parse(query);
        let page = |refusal: Refusal| Box::new(refusal.page(hospital));
        let tenant = Tenant::parse(hospital, tenant).ok_or_else(|| page(Refusal::no_tenant()))?;
        let client = parameters.one("client_id").ok_or_else(|| page(Refusal::missing("client_id")))?;
        let app = hospital.entra.apps.named(client).ok_or_else(|| page(Refusal::no_application()))?;
        let redirect_text = parameters.text("redirect_uri").to_owned();
        let redirect_uri = app.redirect_uri(hospital, &redirect_text).ok_or_else(|| {
            let text = "The redirect URI specified in the request does not match the redirect URIs configured for the application.";
            page(Refusal::new(50_011, "invalid_request", text))
        })?;

        let state = parameters.one("state").map(str::to_owned);
        let refuse = |refusal: Refusal| Box::new(refusal.redirect(hospital, &redirect_uri, state.as_deref()));
        match parameters.text("response_type") {
            "code" => {}
            "" => return Err(refuse(Refusal::missing("response_type"))),
            _ => {
                return Err(refuse(Refusal::new(
                    700_054,
                    "unsupported_response_type",
                    "response_type is not enabled for the application.",
                )));
            }
        }
        if !matches!(parameters.text("response_mode"), "" | "query") {
            let text = "'response_mode' must be 'query' for this client.";
            return Err(refuse(Refusal::new(90_049, "invalid_request", text)));
        }
        let challenge = parameters.text("code_challenge");
        if challenge.is_empty() {
            return Err(refuse(Refusal::missing("code_challenge")));
        }
        if parameters.text("code_challenge_method") != "S256" || !web::is_challenge(challenge) {
            return Err(refuse(Refusal::new(
                501_491,
                "invalid_request",
                "Invalid size of Code_Challenge parameter, or its method is not S256.",
            )));
        }
        let scopes: Vec<String> = parameters.text("scope").split_whitespace().map(str::to_owned).collect();
        if scopes.is_empty() {
            return Err(refuse(Refusal::missing("scope")));
        }
        if let Some(unknown) = scopes.iter().find(|it| !known_scope(hospital, it)) {
            let text =
                format!("The provided request must include a valid 'scope' input parameter; '{unknown}' is not valid.");
            return Err(refuse(Refusal::new(70_011, "invalid_scope", text)));
        }
        if app == App::Relay && scopes.contains(&hospital.entra.apps.api_scope()) {
            let text = "The application is requesting a token for itself.";
            return Err(refuse(Refusal::new(90_009, "invalid_request", text)));
        }
        Ok(Self {
            tenant,
            app,
            redirect_text,
            nonce: parameters.one("nonce").map(str::to_owned),
            challenge: challenge.to_owned(),
            scopes,
            prompt: parameters.text("prompt").to_owned(),
            login_hint: parameters.one("login_hint").map(str::to_owned),
            state,
            redirect_uri,
        })
    }

    fn grant(&self, hospital: &Hospital, organization: &Organization, person: &Person) -> Response {
        let code = hospital.entra.grants.issue_code(
            hospital,
            CodeGrant {
                app: self.app,
                oid: person.oid.clone(),
                tid: organization.tid.clone(),
                redirect_uri: self.redirect_text.clone(),
                challenge: self.challenge.clone(),
                scopes: self.scopes.clone(),
                nonce: self.nonce.clone(),
                expires: hospital.clock.in_seconds(CODE_SECONDS),
            },
        );
        hospital.log("entra", "authorize", json!({ "tid": organization.tid, "upn": person.upn }));
        let mut url = self.redirect_uri.clone();
        url.query_pairs_mut().append_pair("code", &code);
        if let Some(state) = &self.state {
            url.query_pairs_mut().append_pair("state", state);
        }
        url.query_pairs_mut().append_pair("session_state", &hospital.random.guid());
        found(&url)
    }

    fn picker(&self, hospital: &Hospital, tenant: &str, query: &str) -> Response {
        let admitted = hospital.organizations.iter().filter(|it| self.tenant.admits(&it.tid));
        let accounts = admitted.flat_map(|organization| {
            organization.people.iter().map(|person| {
                Page::new(include_str!("../../pages/entra-account.html"))
                    .text("upn", &person.upn)
                    .text("name", &person.name)
                    .text("initials", initials(&person.name))
                    .piece()
            })
        });
        let wanted = match &self.tenant {
            Tenant::One(tid) => hospital.tenant(tid).map(|it| it.name).unwrap_or_default(),
            Tenant::Organizations(_) => "your organization",
        };
        Page::new(include_str!("../../pages/entra-picker.html"))
            .text("organization", wanted)
            .text("action", format!("/{tenant}/pick"))
            .text("request", query)
            .markup("accounts", Markup::join(accounts))
            .respond(StatusCode::OK)
    }
}

fn known_scope(hospital: &Hospital, scope: &str) -> bool {
    matches!(scope, "openid" | "profile" | "email" | "offline_access") || scope == hospital.entra.apps.api_scope()
}

/// Two letters for the picture a stand-in does not have.
pub(crate) fn initials(name: &str) -> String {
    let words: Vec<&str> = name.split_whitespace().filter(|it| !it.ends_with('.')).collect();
    let first = words.first().and_then(|it| it.chars().next());
    let last = words.last().filter(|_| words.len() > 1).and_then(|it| it.chars().next());
    first.into_iter().chain(last).collect()
}
