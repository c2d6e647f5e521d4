//! The relay, as the companion talks to it: requests in `mod`, the socket in `socket`.
//! Every request carries a Microsoft access token; one that is refused is replaced once and the request repeated.

pub(crate) mod socket;

use std::sync::Arc;

use jiff::Timestamp;
use roomed_protocol::{
    AgendaView, CallbackRegistration, FirstLink, InviteRequest, InviteView, JoinView, LateRequest, LaunchProof, MeView,
    NonceRequest, NonceView, NoticesView, OfferAnswer, PROTOCOL_HEADER, PROTOCOL_VERSION, Problem, ProblemCode,
    SignInView, VisitView, VisitsView,
};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

use crate::problems;
use crate::session::{NoToken, Session};

const LIMIT: usize = 2 * 1024 * 1024;

/// The relay said no, or nothing.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    pub(crate) problem: Problem,
    /// The problem's extension member `start` (RFC 9457, 3.2), where it has one: the visit that covering is asked for.
    pub(crate) start: Option<String>,
    /// The extension member `first_link`: what the clinician is to be asked.
    pub(crate) first_link: Option<Box<FirstLink>>,
}

impl Refusal {
    /// True if nobody answered: the relay may know of it or not.
    pub(crate) fn is_silence(&self) -> bool {
        self.problem.code == ProblemCode::RelayUnreachable
    }

    /// True if it says nothing of the visit and of the clinician: whatever can be done without the relay may be done.
    pub(crate) fn is_no_answer(&self) -> bool {
        use ProblemCode as P;
        self.is_silence() || matches!(self.problem.code, P::Internal | P::TooManyRequests | P::MeetingUnreachable)
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self { problem, start: None, first_link: None }
    }
}

impl From<NoToken> for Refusal {
    fn from(why: NoToken) -> Self {
        match why {
            NoToken::SignedOut => problems::not_signed_in(),
            NoToken::Unreachable => problems::microsoft_unreachable(),
            NoToken::Refused => problems::microsoft_refused(),
        }
        .into()
    }
}

pub(crate) struct Relay {
    client: reqwest::Client,
    base: Url,
    session: Arc<Session>,
}

/// An empty answer (204).
struct Nothing;

impl Relay {
    pub(crate) fn new(client: reqwest::Client, base: Url, session: Arc<Session>) -> Self {
        Self { client, base, session }
    }

    /// Public: how this organization signs in.
    pub(crate) async fn sign_in_view(&self, organization: &str) -> Result<SignInView, Problem> {
        let url = self.url(&["api", "v1", "organizations", organization, "sign-in"], None);
        let (status, body) = send(self.client.get(url)).await?;
        read(status, &body).map_err(|r| r.problem)
    }

    pub(crate) async fn me(&self) -> Result<MeView, Refusal> {
        self.get(&["api", "v1", "me"], None).await
    }

    pub(crate) async fn nonce(&self, iss: &str) -> Result<NonceView, Refusal> {
        self.send_json(reqwest::Method::POST, &["api", "v1", "nonces"], &NonceRequest { iss: iss.to_owned() }).await
    }

    pub(crate) async fn register_callback(&self, registration: &CallbackRegistration) -> Result<(), Refusal> {
        let Nothing = self.send_json(reqwest::Method::PUT, &["api", "v1", "callbacks"], registration).await?;
        Ok(())
    }

    pub(crate) async fn launch(&self, proof: &LaunchProof) -> Result<VisitView, Refusal> {
        self.send_json(reqwest::Method::POST, &["api", "v1", "launches"], proof).await
    }

    pub(crate) async fn visits(&self) -> Result<VisitsView, Refusal> {
        self.get(&["api", "v1", "visits"], None).await
    }

    pub(crate) async fn visit(&self, id: &str) -> Result<VisitView, Refusal> {
        self.get(&["api", "v1", "visits", id], None).await
    }

    /// The clinician's appointments that start in a day.
    pub(crate) async fn agenda(&self, from: Timestamp, until: Timestamp) -> Result<AgendaView, Refusal> {
        let mut url = self.url(&["api", "v1", "agenda"], None);
        url.query_pairs_mut().append_pair("from", &from.to_string()).append_pair("until", &until.to_string());
        self.with_token(|token| spoken(self.client.get(url.clone())).bearer_auth(token.expose_secret())).await
    }

    pub(crate) async fn notices(&self, after: u32) -> Result<NoticesView, Refusal> {
        self.get(&["api", "v1", "notices"], Some(("after", after))).await
    }

    pub(crate) async fn join(&self, id: &str) -> Result<JoinView, Refusal> {
        self.send_json(reqwest::Method::POST, &["api", "v1", "visits", id, "join"], &serde_json::json!({})).await
    }

    /// How to open the meeting, without calling anybody.
    pub(crate) async fn door(&self, id: &str) -> Result<JoinView, Refusal> {
        self.get(&["api", "v1", "visits", id, "join"], None).await
    }

    pub(crate) async fn acknowledge(&self, id: &str) -> Result<VisitView, Refusal> {
        self.send_json(reqwest::Method::POST, &["api", "v1", "visits", id, "acknowledge"], &serde_json::json!({})).await
    }

    pub(crate) async fn end(&self, id: &str) -> Result<VisitView, Refusal> {
        self.send_json(reqwest::Method::POST, &["api", "v1", "visits", id, "end"], &serde_json::json!({})).await
    }

    /// What a clinician does in a visit, by the last segments of its address; answers with the visit after it.
    pub(crate) async fn act<B: Serialize + Sync>(
        &self,
        id: &str,
        act: &[&str],
        body: &B,
    ) -> Result<VisitView, Refusal> {
        self.send_json(reqwest::Method::POST, &visit_path(id, act), body).await
    }

    /// What is answered to an offer; answers with its visit.
    pub(crate) async fn answer_offer(&self, offer: &str, take: bool) -> Result<VisitView, Refusal> {
        self.send_json(reqwest::Method::POST, &["api", "v1", "offers", offer], &OfferAnswer { take }).await
    }

    /// "Running late" in several visits at once.
    pub(crate) async fn late(&self, request: &LateRequest) -> Result<(), Refusal> {
        let Nothing = self.send_json(reqwest::Method::POST, &["api", "v1", "late"], request).await?;
        Ok(())
    }

    pub(crate) async fn invite(&self, id: &str, request: &InviteRequest) -> Result<InviteView, Refusal> {
        self.send_json(reqwest::Method::POST, &visit_path(id, &["invitations"]), request).await
    }

    pub(crate) async fn revoke(&self, id: &str, participant: &str) -> Result<VisitView, Refusal> {
        let path = visit_path(id, &["invitations", participant]);
        self.send_json(reqwest::Method::DELETE, &path, &serde_json::json!({})).await
    }

    pub(crate) fn session(&self) -> &Session {
        &self.session
    }

    /// The socket's address: the base with the scheme `ws` or `wss`.
    pub(crate) fn socket_url(&self) -> Url {
        let mut url = self.url(&["api", "v1", "socket"], None);
        let scheme = if url.scheme() == "https" { "wss" } else { "ws" };
        url.set_scheme(scheme).expect("http and ws schemes are both special, so one can become the other");
        url
    }

    fn url(&self, segments: &[&str], query: Option<(&str, u32)>) -> Url {
        let mut url = self.base.clone();
        // Segments are escaped, so an id cannot become another path.
        url.path_segments_mut()
            .expect("the configuration's check left only http(s) bases")
            .pop_if_empty()
            .extend(segments);
        if let Some((key, value)) = query {
            url.query_pairs_mut().append_pair(key, &value.to_string());
        }
        url
    }

    async fn get<T: Answer>(&self, path: &[&str], query: Option<(&str, u32)>) -> Result<T, Refusal> {
        let url = self.url(path, query);
        self.with_token(|token| spoken(self.client.get(url.clone())).bearer_auth(token.expose_secret())).await
    }

    async fn send_json<T: Answer, B: Serialize + Sync>(
        &self,
        method: reqwest::Method,
        path: &[&str],
        body: &B,
    ) -> Result<T, Refusal> {
        let url = self.url(path, None);
        self.with_token(|token| {
            spoken(self.client.request(method.clone(), url.clone())).bearer_auth(token.expose_secret()).json(body)
        })
        .await
    }

    async fn with_token<T: Answer>(
        &self,
        request: impl Fn(&SecretString) -> reqwest::RequestBuilder,
    ) -> Result<T, Refusal> {
        let token = self.session.access().await?;
        let (status, body) = send(request(&token)).await?;
        if status != 401 {
            return T::read(status, &body);
        }
        let token = self.session.instead_of(&token).await?;
        let (status, body) = send(request(&token)).await?;
        T::read(status, &body)
    }
}

/// Says which version of the protocol this companion speaks.
fn spoken(request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
    request.header(PROTOCOL_HEADER, PROTOCOL_VERSION)
}

fn visit_path<'a>(id: &'a str, act: &[&'a str]) -> Vec<&'a str> {
    ["api", "v1", "visits", id].iter().chain(act).copied().collect()
}

trait Answer: Sized {
    fn read(status: u16, body: &[u8]) -> Result<Self, Refusal>;
}

impl<T: DeserializeOwned> Answer for T {
    fn read(status: u16, body: &[u8]) -> Result<Self, Refusal> {
        read(status, body)
    }
}

impl Answer for Nothing {
    fn read(status: u16, body: &[u8]) -> Result<Self, Refusal> {
        if (200..300).contains(&status) { Ok(Self) } else { Err(refusal(status, body)) }
    }
}

fn read<T: DeserializeOwned>(status: u16, body: &[u8]) -> Result<T, Refusal> {
    if !(200..300).contains(&status) {
        return Err(refusal(status, body));
    }
    serde_json::from_slice(body).map_err(|_| problems::internal().into())
}

fn refusal(status: u16, body: &[u8]) -> Refusal {
    if let Ok(problem) = serde_json::from_slice::<Problem>(body) {
        #[derive(Default, serde::Deserialize)]
        struct More {
            start: Option<String>,
            first_link: Option<Box<FirstLink>>,
        }
        let More { start, first_link } = serde_json::from_slice(body).unwrap_or_default();
        return Refusal { problem, start, first_link };
    }
    // Not the relay's own words: a proxy, or a relay that is not there.
    let problem = match status {
        401 => problems::not_signed_in(),
        429 => problems::problem(ProblemCode::TooManyRequests, "Asked too often", "Wait a moment and try again."),
        _ => problems::relay_unreachable(),
    };
    problem.into()
}

async fn send(request: reqwest::RequestBuilder) -> Result<(u16, Vec<u8>), Problem> {
    let unreachable = |_| problems::relay_unreachable();
    let mut response = request.send().await.map_err(unreachable)?;
    let status = response.status().as_u16();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        if body.len() + chunk.len() > LIMIT {
            return Err(problems::internal());
        }
        body.extend_from_slice(&chunk);
    }
    Ok((status, body))
}
