//! The first link between an EHR user and a Microsoft account is never made silently. On a shared workstation the person in
//! the chart may be another than the one who is signed in, and nothing but a word of theirs can tell the first time. So
//! their launch, proven in everything else, is answered with a question; the answer is a word that is good once, for that
//! very proof. Where an EHR user or an account is linked already, `same_person` in `proof` decides without a word.

use std::time::Duration;

use axum::Json;
use roomed_protocol::{FirstLink, ProblemCode};
use serde::{Deserialize, Serialize};

use super::companion::Caller;
use super::problem::{Answer, Refusal};
use super::web::sign_in::put;
use crate::config::EhrConfig;
use crate::keys::one_time;
use crate::relay::Relay;
use crate::store::OneTimeKind;

/// How long the EHR may take to say what its user is called: the question is asked without the name, too.
const LIMIT: Duration = Duration::from_secs(3);
/// A name longer than this is none.
const LONGEST: usize = 120;

/// What was asked, kept sealed under the word. Whoever answers answers exactly this.
#[derive(PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Asked {
    tid: String,
    oid: String,
    iss: String,
    practitioner: String,
    /// Hash of the nonce, which is in one `id_token` only.
    nonce: String,
}

impl Asked {
    pub(super) fn of(caller: &Caller, ehr: &EhrConfig, practitioner: &str, nonce: &str) -> Self {
        Self {
            tid: caller.0.tid.clone(),
            oid: caller.0.oid.clone(),
            iss: ehr.iss.clone(),
            practitioner: practitioner.to_owned(),
            nonce: nonce.to_owned(),
        }
    }
}

/// The question.
pub(super) async fn ask(relay: &Relay, caller: &Caller, asked: &Asked) -> Answer<FirstLink> {
    let word = relay.random.token();
    put(relay, &caller.0.organization, OneTimeKind::FirstLink, &word, asked).await?;
    let ehr_user = ehr_user(relay, &caller.0.organization, &asked.iss, &asked.practitioner).await;
    Ok(FirstLink { word, account: caller.0.called().to_owned(), ehr_user })
}

/// Looks whether the word answers this question. It is used up by the commit that makes the link, with nonce and handle.
pub(super) async fn answered(relay: &Relay, word: &str, asked: &Asked) -> Answer<(OneTimeKind, String)> {
    let hash = one_time::hash(word);
    let kept = relay.store.peek_once(OneTimeKind::FirstLink, &hash, relay.clock.now()).await?;
    let kept = kept.and_then(|value| one_time::open(word, &value.payload));
    let kept: Option<Asked> = kept.and_then(|plain| serde_json::from_slice(&plain).ok());
    if kept.as_ref() == Some(asked) {
        Ok((OneTimeKind::FirstLink, hash))
    } else {
        Err(Refusal(ProblemCode::HandleUnknown))
    }
}

/// What the EHR calls its user: read for this question, shown to whoever launched, kept nowhere.
pub(super) async fn ehr_user(relay: &Relay, organization: &str, iss: &str, practitioner: &str) -> Option<String> {
    let ehr = relay.ehr(organization, iss).ok()?;
    match tokio::time::timeout(LIMIT, ehr.practitioner_name(practitioner)).await {
        Ok(Ok(name)) => name.filter(|it| it.chars().count() <= LONGEST),
        Ok(Err(error)) => {
            tracing::warn!(%error, "what the EHR user is called could not be read");
            None
        }
        Err(_) => {
            tracing::warn!("the EHR takes long to say what its user is called");
            None
        }
    }
}

/// The problem with the question in it (RFC 9457, 3.2).
pub(super) fn question(question: &FirstLink) -> axum::response::Response {
    let refusal = Refusal(ProblemCode::FirstLink);
    let problem = refusal.problem();
    let status = problem.status;
    let mut body = serde_json::to_value(problem).unwrap_or_default();
    body["first_link"] = serde_json::to_value(question).unwrap_or_default();
    refusal.respond(status, Json(body))
}
