//! How much one caller may ask: requests per minute and sockets at a time. A guard against loops and floods, not a quota:
//! the numbers are far above what a clinic needs. By which address a caller counts is `caller.rs`.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter, clock::DefaultClock};
use roomed_protocol::ProblemCode;

use super::caller;
use super::language::Language;
use super::problem::{Answer, Refusal};
use super::seats::{Seat, Seats};
use super::visit_page::{self, Visitor, cookie};
use super::web::cookie_name;
use super::{html, patient_page};
use crate::config;
use crate::keys::one_time;
use crate::relay::Relay;
use crate::store::Recipient;

/// More guests than a clinician invites in an hour, their lost links included.
const LETTERS_PER_HOUR: u32 = 60;

type Keyed<K> = RateLimiter<K, HashMapStateStore<K>, DefaultClock>;

/// The counters of this node.
#[derive(Debug)]
pub struct Limits {
    addresses: Keyed<IpAddr>,
    people: Keyed<String>,
    letters: Keyed<String>,
    companions: Seats,
    pages: Seats,
    staff: Seats,
}

impl Limits {
    /// As configured.
    pub fn of(config: &config::Limits) -> Self {
        let per_minute = |n: u32| Quota::per_minute(NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN));
        Self {
            addresses: RateLimiter::hashmap(per_minute(config.anonymous_per_minute)),
            people: RateLimiter::hashmap(per_minute(config.person_per_minute)),
            letters: RateLimiter::hashmap(Quota::per_hour(
                NonZeroU32::new(LETTERS_PER_HOUR).unwrap_or(NonZeroU32::MIN),
            )),
            companions: Seats::new(config.sockets, config.sockets_each),
            pages: Seats::new(config.sockets, config.sockets_each),
            staff: Seats::new(config.sockets, config.sockets_each),
        }
    }

    /// A place for one more companion's socket.
    pub(super) fn companion_socket(&self, of: &Recipient) -> Answer<Seat> {
        self.companions.take(person(of))
    }

    /// The same for a patient's page: places of their own, so that pages cannot lock the clinicians out.
    pub(super) fn page_socket(&self, of: &Visitor) -> Answer<Seat> {
        self.pages.take(format!("{} {}", of.visit, of.who.0))
    }

    /// The same for a staff page.
    pub(super) fn staff_socket(&self, of: &Recipient) -> Answer<Seat> {
        self.staff.take(person(of))
    }

    /// One more letter of this clinician's: whoever holds their token must not mail the world from the clinic's address.
    pub(super) fn letter(&self, of: &Recipient) -> Answer<()> {
        let key = one_time::hash(&person(of));
        self.letters.check_key(&key).map_err(|_| Refusal(ProblemCode::TooManyRequests))
    }

    /// Forgets callers who have been quiet for long enough to be fresh again.
    pub fn forget_quiet(&self) {
        self.addresses.retain_recent();
        self.people.retain_recent();
        self.letters.retain_recent();
    }
}

fn person(who: &Recipient) -> String {
    format!("{} {} {}", who.organization, who.tid, who.oid)
}

/// Routes that patients and guests come by; at the others it is clinicians and staff.
pub(super) const FOR_PATIENTS: [&str; 5] =
    ["/o/{organization}/test", "/i/{token}", "/i", "/o/{organization}/patient", "/o/{organization}/patient/callback"];

/// For pages that nobody must be signed in for: by address. People read a page, not JSON.
pub(super) async fn by_address(State(relay): State<Arc<Relay>>, request: Request, next: Next) -> Response {
    match caller::address(&relay, &request) {
        Some(address) if relay.limits.addresses.check_key(&address).is_err() => {
            let refusal = Refusal(ProblemCode::TooManyRequests);
            let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
            match FOR_PATIENTS.contains(&route) {
                true => patient_page::refusal(refusal, Language::of(request.headers())),
                false => html::refusal(refusal),
            }
        }
        _ => next.run(request).await,
    }
}

/// For a companion's requests: by the token it shows. One loop of one companion is slowed down; it bounds no guessing,
/// since each guess is another token.
pub(super) async fn by_person(State(relay): State<Arc<Relay>>, request: Request, next: Next) -> Response {
    let shown = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    match shown {
        Some(shown) if relay.limits.people.check_key(&one_time::hash(shown)).is_err() => {
            Refusal(ProblemCode::TooManyRequests).into_response()
        }
        _ => next.run(request).await,
    }
}

/// For what pages ask: by the session behind their cookie, and without one that is known by address.
pub(super) async fn by_page(State(relay): State<Arc<Relay>>, request: Request, next: Next) -> Response {
    let address = caller::address(&relay, &request);
    let is_too_much = match (known_session(&relay, request.headers()).await, address) {
        (Some(session), _) => relay.limits.people.check_key(&session).is_err(),
        (None, Some(address)) => relay.limits.addresses.check_key(&address).is_err(),
        (None, None) => false,
    };
    if is_too_much { Refusal(ProblemCode::TooManyRequests).into_response() } else { next.run(request).await }
}

/// A cookie that somebody made up would be a new caller each time.
async fn known_session(relay: &Relay, headers: &HeaderMap) -> Option<String> {
    let now = relay.clock.now();
    let hash = |name: &str| cookie(headers, name).map(one_time::hash);
    // Its own visit's first: of another in this browser it may have been the last.
    for page in [visit_page::PLACE_COOKIE, visit_page::COOKIE].into_iter().filter_map(hash) {
        if let Ok(Some(_)) = relay.store.page_session(&page, now).await {
            return Some(page);
        }
    }
    let web = hash(cookie_name(relay))?;
    matches!(relay.store.web_session(&web, now).await, Ok(Some(_))).then_some(web)
}
