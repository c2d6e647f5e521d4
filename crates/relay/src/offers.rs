//! A visit that was begun in a browser, offered to the companion of the same clinician: to that (`tid`, `oid`) only, by a
//! notice like any other, so it may be at another node. What the browser has proven counts for the person, not the machine;
//! nothing is proven by answering. The first answer counts. No name is in it.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use roomed_protocol::{NoticeKind, ProblemCode};
use serde::{Deserialize, Serialize};

use crate::http::{Answer, Refusal};
use crate::keys::one_time;
use crate::notices;
use crate::relay::Relay;
use crate::stop;
use crate::store::{NewNotice, OneTime, OneTimeKind, Recipient, StoreError};

/// Longest that somebody is kept waiting for an answer; they ask again.
const LONGEST: Duration = Duration::from_secs(20);

/// Whose an offer is, and of which visit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Offer {
    tid: String,
    oid: String,
    visit: String,
}

impl Offer {
    fn of(to: &Recipient, visit: &str) -> Self {
        Self { tid: to.tid.clone(), oid: to.oid.clone(), visit: visit.to_owned() }
    }
}

/// How an offer stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Nobody has answered.
    Waiting,
    /// The visit was opened in the companion.
    Taken,
    /// It is not wanted there.
    Dismissed,
    /// Nobody answered in time, or there is no such offer.
    Over,
}

impl Relay {
    /// Whether a companion of this person is online, here or at another node. Where that is not known, it is not.
    pub async fn has_companion(&self, who: &Recipient) -> bool {
        if self.hub.is_online(who) {
            return true;
        }
        let elsewhere = self.store.online_elsewhere(&self.node, std::slice::from_ref(who)).await;
        elsewhere.is_ok_and(|there| !there.is_empty())
    }

    /// Offers a visit to its clinician's companion; answers with the offer.
    pub async fn offer(&self, to: &Recipient, visit: &str, start: Timestamp) -> Answer<String> {
        let (until, offer) = (self.offer_ends(), self.random.token());
        let payload = serde_json::to_vec(&Offer::of(to, visit)).map_err(|_| Refusal(ProblemCode::Internal))?;
        self.keep(OneTimeKind::Offer, &offer, to, payload, until).await?;
        let (start, until) = (start.to_string(), until.to_string());
        self.tell(to, visit, &NoticeKind::Offered { offer: offer.clone(), start, until }).await?;
        tracing::info!("a visit is offered to a companion");
        Ok(offer)
    }

    /// Answers an offer, with the visit it was of. The first answer counts.
    pub async fn answer_offer(&self, by: &Recipient, offer: &str, take: bool) -> Answer<String> {
        let over = Refusal(ProblemCode::OfferOver);
        let visit = self.offered(by, offer).await?.ok_or(over)?;
        let said = if take { "taken" } else { "dismissed" };
        // Later than the offer's own end, so that the page hears of an answer that was given at the last moment.
        if !self.keep(OneTimeKind::OfferAnswer, offer, by, said.into(), self.offer_ends()).await? {
            return Err(over);
        }
        // The answer stands whoever hears of it: the page asks again by itself.
        if let Err(error) = self.tell(by, &visit, &NoticeKind::OfferAnswered { offer: offer.to_owned() }).await {
            tracing::warn!(%error, "that an offer is answered could not be told at once");
        }
        tracing::info!(take, "an offered visit is answered");
        Ok(visit)
    }

    /// How an offer of this visit stands, once it is answered or somebody has waited long enough.
    pub async fn offer_answered(&self, to: &Recipient, visit: &str, offer: &str) -> Answer<Standing> {
        let mut news = self.hub.onlooker(to);
        let mut stopping = self.stopping.clone();
        // Well within the time that any request may take.
        let longest = LONGEST.min(Duration::from_secs(self.config.limits.request_seconds.into()) / 2);
        let answered = async {
            loop {
                let standing = self.offer_stands(to, visit, offer).await?;
                if standing != Standing::Waiting {
                    return Ok(standing);
                }
                tokio::select! {
                    heard = news.changed() => if heard.is_err() { return Ok(standing) },
                    () = stop::begun(&mut stopping) => return Ok(standing),
                }
            }
        };
        match tokio::time::timeout(longest, answered).await {
            Ok(standing) => standing,
            Err(_) => self.offer_stands(to, visit, offer).await,
        }
    }

    /// How an offer of this visit stands.
    pub async fn offer_stands(&self, to: &Recipient, visit: &str, offer: &str) -> Answer<Standing> {
        let (hash, now) = (one_time::hash(offer), self.clock.now());
        let answered = self.store.peek_once(OneTimeKind::OfferAnswer, &hash, now).await?;
        match answered.filter(|it| it.organization == to.organization) {
            Some(it) if it.payload == b"taken" => return Ok(Standing::Taken),
            Some(_) => return Ok(Standing::Dismissed),
            None => {}
        }
        let stands = self.offered(to, offer).await?.is_some_and(|it| it == visit);
        Ok(if stands { Standing::Waiting } else { Standing::Over })
    }

    /// The visit that an offer to this person is of, until it expires.
    pub async fn offered(&self, to: &Recipient, offer: &str) -> Result<Option<String>, StoreError> {
        let kept = self.store.peek_once(OneTimeKind::Offer, &one_time::hash(offer), self.clock.now()).await?;
        let kept = kept.filter(|it| it.organization == to.organization);
        let offer = kept.and_then(|it| serde_json::from_slice::<Offer>(&it.payload).ok());
        Ok(offer.filter(|it| it.tid == to.tid && it.oid == to.oid).map(|it| it.visit))
    }

    /// When an offer that is made now is over.
    fn offer_ends(&self) -> Timestamp {
        let (now, seconds) = (self.clock.now(), i64::from(self.config.launch.offer_seconds));
        now.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(now)
    }

    async fn keep(
        &self,
        kind: OneTimeKind,
        secret: &str,
        whose: &Recipient,
        payload: Vec<u8>,
        expires_at: Timestamp,
    ) -> Result<bool, StoreError> {
        let (hash, organization) = (one_time::hash(secret), whose.organization.clone());
        self.store.put_once(OneTime { kind, hash, organization, payload, expires_at }).await
    }

    async fn tell(&self, recipient: &Recipient, visit: &str, kind: &NoticeKind) -> Result<(), StoreError> {
        let notice = NewNotice { recipient: recipient.clone(), kind: notices::stored(kind) };
        for told in self.store.announce(visit, vec![notice], self.clock.now()).await? {
            self.hub.hint(&told.recipient, told.seq);
        }
        Ok(())
    }
}
