//! Sending one-time links to people: whom a letter goes to, what it says, and who carries it. When it leaves, and what
//! becomes of it, is `sender/post.rs`; SMTP is `sender/smtp.rs`. Nothing in a letter says what the visit is about.

pub mod post;
mod smtp;

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use roomed_visit::ParticipantId;
use serde::{Deserialize, Serialize};

use crate::arrivals::ArrivalError;
use crate::config::{Carrier, Organization, SendingConfig};
use crate::keys::VisitKey;
use crate::store::{ClaimedLetter, NewLetter};

/// A link is good for no longer than its visit may be held; a letter is not tried for longer than this.
const TRIED_FOR: jiff::SignedDuration = jiff::SignedDuration::from_hours(12);

/// Whom a letter goes to.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Addressee {
    /// A mail address.
    Email(String),
    /// A telephone number in digits, its country's prefix first.
    Sms(String),
}

impl std::fmt::Debug for Addressee {
    // Somebody's address: a stray `{:?}` must not put it in a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Email(_) => "Email(..)",
            Self::Sms(_) => "Sms(..)",
        })
    }
}

impl Addressee {
    /// A mail address (RFC 5321, at most 254 characters); nothing for anything else.
    pub fn email(address: &str) -> Option<Self> {
        let address = address.trim();
        let good = address.len() <= 254 && address.is_ascii() && address.parse::<lettre::Address>().is_ok();
        good.then(|| Self::Email(address.to_owned()))
    }

    /// A number as people write it, with its country in front (E.164: at most 15 digits).
    pub fn sms(number: &str) -> Option<Self> {
        let rest = number.trim().strip_prefix('+')?;
        let digits: String = rest.chars().filter(|it| !matches!(it, ' ' | '-' | '.' | '(' | ')')).collect();
        let good = (7..=15).contains(&digits.len()) && digits.bytes().all(|it| it.is_ascii_digit());
        good.then_some(Self::Sms(digits))
    }
}

/// A link on its way to its person.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    /// Whose link it is.
    pub participant: ParticipantId,
    /// What the link is known by: an older one need not leave any more.
    pub hash: String,
    /// Where it goes.
    pub to: Addressee,
    /// The link.
    pub link: String,
}

impl std::fmt::Debug for Letter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Letter").field("to", &self.to).finish_non_exhaustive()
    }
}

impl Letter {
    /// As it is kept until it leaves.
    ///
    /// # Errors
    /// [`ArrivalError::Unreadable`] if it cannot be written.
    pub fn sealed(&self, visit: &str, key: &VisitKey, id: String, now: Timestamp) -> Result<NewLetter, ArrivalError> {
        let plain = serde_json::to_vec(self).map_err(|_| ArrivalError::Unreadable)?;
        let sealed = key.seal(context(visit, &id).as_bytes(), &plain);
        Ok(NewLetter { id, sealed, expires_at: now.saturating_add(TRIED_FOR).unwrap_or(now) })
    }

    /// Opens one that was kept.
    ///
    /// # Errors
    /// As for a visit's state.
    pub fn open(visit: &str, key: &VisitKey, claimed: &ClaimedLetter) -> Result<Self, ArrivalError> {
        let plain = key.open(context(visit, &claimed.id).as_bytes(), &claimed.sealed)?;
        serde_json::from_slice(&plain).map_err(|_| ArrivalError::Unreadable)
    }
}

fn context(visit: &str, id: &str) -> String {
    format!("{visit}/letter/{id}")
}

/// What became of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// Whoever carries mail here has taken it.
    Taken,
    /// Not now, or nobody knows: to be tried again. A letter that was taken all the same comes twice, with one id.
    Later,
    /// Never: no such address.
    Refused,
}

/// Who carries letters.
#[async_trait]
pub trait Sender: Send + Sync {
    /// Whether it can reach such a recipient at all.
    fn carries(&self, to: &Addressee) -> bool;

    /// One attempt. `id` stays the same over all attempts, so that a letter that comes twice can be told.
    async fn send(&self, id: &str, letter: &Letter) -> Sent;
}

/// Writes a line instead of sending: for a relay that is tried out. The link stays where it is.
struct ToTheLog;

#[async_trait]
impl Sender for ToTheLog {
    fn carries(&self, _: &Addressee) -> bool {
        true
    }

    async fn send(&self, id: &str, letter: &Letter) -> Sent {
        tracing::info!(letter = id, to = ?letter.to, "a link would leave here; nothing is sent");
        Sent::Taken
    }
}

/// The sender an organization has configured.
///
/// # Errors
/// Says which part of the configuration is of no use.
pub fn of(config: &SendingConfig, organization: &Organization, url: &str) -> anyhow::Result<Arc<dyn Sender>> {
    Ok(match &config.by {
        Carrier::Log => Arc::new(ToTheLog),
        Carrier::Smtp => Arc::new(smtp::Smtp::of(config, organization, url)?),
    })
}

#[cfg(test)]
mod tests {
    use super::Addressee;

    #[test]
    fn addresses_are_addresses_and_numbers_are_numbers() {
        assert_eq!(Addressee::email(" a.b@example.org "), Some(Addressee::Email("a.b@example.org".into())));
        let long = format!("{}@example.org", "a".repeat(250));
        for bad in ["", "a", "a@", "@b", "a b@example.org", "a@b\r\nBcc: c@example.org", "a@b,c@d", &long] {
            assert_eq!(Addressee::email(bad), None, "{bad}");
        }
        assert_eq!(Addressee::sms("+1 (555) 010-0199"), Some(Addressee::Sms("15550100199".into())));
        for bad in ["", "5550100", "+1", "+1234567890123456", "+1555010x", "+1555@example.org"] {
            assert_eq!(Addressee::sms(bad), None, "{bad}");
        }
    }

    #[test]
    fn nobodys_address_is_in_what_a_log_shows() {
        let shown = format!("{:?} {:?}", Addressee::Email("a@example.org".into()), Addressee::Sms("155".into()));
        assert_eq!(shown, "Email(..) Sms(..)");
    }
}
