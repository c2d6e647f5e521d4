//! Deep links: `roomed://launch?iss&launch&handle` and `roomed:launch?...`. Whoever can open a link can send us one, so
//! everything about it is bounded and nothing of it is used before `iss` has been found among the approved ones.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

/// Most bytes of a link.
pub const LONGEST: usize = 8 * 1024;
/// Most links that wait.
const MOST: usize = 32;

/// What a launch link asks for. `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct LaunchLink {
    /// FHIR base URL of the EHR, exactly as sent.
    pub iss: String,
    /// The EHR's opaque launch token.
    pub launch: String,
    /// One-time handle of the relay's launch page; absent when the EHR opened the link itself.
    pub handle: Option<String>,
}

impl std::fmt::Debug for LaunchLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LaunchLink { .. }")
    }
}

/// Not a launch link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the link is malformed, too long or carries control characters")]
pub struct LinkRefused;

impl LaunchLink {
    /// Reads a link.
    ///
    /// # Errors
    /// [`LinkRefused`] for anything but a launch link within its bounds. Unknown parameters are passed over.
    pub fn parse(text: &str) -> Result<Self, LinkRefused> {
        if text.len() > LONGEST || text.contains('#') {
            return Err(LinkRefused);
        }
        let rest = text.strip_prefix("roomed:").ok_or(LinkRefused)?;
        let rest = rest.strip_prefix("//").unwrap_or(rest);
        let (place, query) = rest.split_once('?').ok_or(LinkRefused)?;
        if !matches!(place, "launch" | "launch/") {
            return Err(LinkRefused);
        }
        // A plus is a plus here: neither an address nor a launch token has spaces, but base64 tokens have pluses.
        let query = query.replace('+', "%2B");
        let (mut iss, mut launch, mut handle) = (None, None, None);
        for (key, value) in url::form_urlencoded::parse(query.as_bytes()) {
            // In a parameter that means nothing to us as well, just as the relay refuses it.
            if key.chars().chain(value.chars()).any(char::is_control) {
                return Err(LinkRefused);
            }
            let slot = match &*key {
                "iss" => &mut iss,
                "launch" => &mut launch,
                "handle" => &mut handle,
                _ => continue,
            };
            let fine =
                !value.is_empty() && !value.chars().any(|c| c.is_whitespace() || c == char::REPLACEMENT_CHARACTER);
            if !fine || slot.replace(value.into_owned()).is_some() {
                return Err(LinkRefused);
            }
        }
        Ok(Self { iss: iss.ok_or(LinkRefused)?, launch: launch.ok_or(LinkRefused)?, handle })
    }
}

/// Links in the order in which they came. Our own queue: the deep-link plugin keeps only the last one (`toolchain.md` 5).
#[derive(Debug, Default)]
pub(crate) struct LinkQueue {
    inner: Mutex<Inner>,
    arrived: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    waiting: VecDeque<Result<LaunchLink, LinkRefused>>,
    running: Vec<LaunchLink>,
    open: bool,
}

impl LinkQueue {
    /// Keeps a link. The same link while it still waits or runs is the same press, told twice by the shell.
    pub(crate) fn push(&self, text: &str) {
        let link = LaunchLink::parse(text);
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let known = link.as_ref().is_ok_and(|l| inner.running.contains(l)) || inner.waiting.contains(&link);
        if known || inner.waiting.len() >= MOST {
            return;
        }
        inner.waiting.push_back(link);
        drop(inner);
        self.arrived.notify_one();
    }

    /// The page has drawn: from now on links are handed out.
    pub(crate) fn open(&self) {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).open = true;
        self.arrived.notify_one();
    }

    /// The next link, when there is one and the page has drawn.
    pub(crate) async fn next(&self) -> Result<LaunchLink, LinkRefused> {
        loop {
            {
                let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
                if inner.open
                    && let Some(link) = inner.waiting.pop_front()
                {
                    if let Ok(link) = &link {
                        inner.running.push(link.clone());
                    }
                    return link;
                }
            }
            self.arrived.notified().await;
        }
    }

    /// Forgets what waits: whoever pressed has signed out.
    pub(crate) fn clear(&self) {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).waiting.clear();
    }

    /// A link has been dealt with: the same one again is a new press.
    pub(crate) fn done(&self, link: &LaunchLink) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = inner.running.iter().position(|l| l == link) {
            inner.running.remove(at);
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use proptest::prelude::*;

    const GOOD: &str = "roomed://launch?iss=https%3A%2F%2Fehr.example%2FR4&launch=a%2Bb&handle=h1";

    #[test]
    fn both_forms_and_what_is_passed_over() {
        let link = LaunchLink::parse(GOOD).unwrap();
        assert_eq!((link.iss.as_str(), link.launch.as_str()), ("https://ehr.example/R4", "a+b"));
        assert_eq!(link.handle.as_deref(), Some("h1"));
        let native = LaunchLink::parse("roomed:launch?iss=https://ehr.example/R4&launch=a+b&x=1&x=%20").unwrap();
        assert_eq!((native.iss, native.launch, native.handle), (link.iss, link.launch, None));
        assert!(LaunchLink::parse("roomed://launch/?iss=i&launch=l").is_ok());
        assert!(!format!("{:?}", LaunchLink::parse(GOOD)).contains("ehr"));
    }

    #[test]
    fn everything_else_is_refused() {
        for bad in [
            "",
            "roomed:",
            "roomed://launch",
            "roomed://launch?",
            "roomed://launch?iss=i",
            "roomed://launch?launch=l",
            "roomed://launch?iss=i&launch=",
            "roomed://launch?iss=i&launch=l&iss=j",
            "roomed://launch?iss=i&launch=l&handle=a&handle=a",
            "roomed://launch?iss=i&launch=l%00",
            "roomed://launch?iss=i&launch=l%0d%0a",
            "roomed://launch?iss=i&launch=l&x=%1b",
            "roomed://launch?iss=i&launch=l&x%00=1",
            "roomed://launch?iss=i&launch=l&x=\n",
            "roomed://launch?iss=i&launch=%ff",
            "roomed://launch?iss=i&launch=l\n",
            "roomed://launch?iss=i&launch=l#x",
            "roomed://launch?iss=i&launch=a b",
            "roomed://launchx?iss=i&launch=l",
            "roomed://user@launch?iss=i&launch=l",
            "roomed://launch:80?iss=i&launch=l",
            "roomed:///launch?iss=i&launch=l",
            "ROOMED://launch?iss=i&launch=l",
            "roomedx://launch?iss=i&launch=l",
            " roomed://launch?iss=i&launch=l",
            "https://launch?iss=i&launch=l",
        ] {
            assert_eq!(LaunchLink::parse(bad), Err(LinkRefused), "{bad}");
        }
        let long = format!("roomed://launch?iss=i&launch={}", "l".repeat(LONGEST));
        assert_eq!(LaunchLink::parse(&long), Err(LinkRefused));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "(roomed:(//)?launch\\?)?[ -~\\x00-\\x1f%=&é]{0,300}") {
            if let Ok(link) = LaunchLink::parse(&text) {
                prop_assert!(text.starts_with("roomed:"));
                for value in [Some(&link.iss), Some(&link.launch), link.handle.as_ref()].into_iter().flatten() {
                    prop_assert!(!value.is_empty() && value.len() <= LONGEST);
                    prop_assert!(!value.chars().any(|c| c.is_control() || c.is_whitespace()));
                }
            }
        }

        #[test]
        fn what_was_put_in_comes_out(iss in "https://[a-z]{1,10}/[a-zA-Z0-9/_.-]{0,30}", launch in "[!-~]{1,80}") {
            let query: String = url::form_urlencoded::Serializer::new(String::new())
                .append_pair("iss", &iss).append_pair("launch", &launch).finish();
            let link = LaunchLink::parse(&format!("roomed://launch?{query}")).unwrap();
            prop_assert_eq!(link.iss, iss);
            prop_assert_eq!(link.launch, launch);
        }
    }

    #[tokio::test]
    async fn nothing_is_lost_before_the_page_has_drawn() {
        let queue = LinkQueue::default();
        for n in 1..=3 {
            queue.push(&format!("roomed://launch?iss=i&launch={n}"));
        }
        queue.push("roomed://launch?iss=i&launch=3");
        queue.push("rubbish");
        queue.open();
        let mut came = Vec::new();
        for _ in 0..3 {
            came.push(queue.next().await.unwrap().launch);
        }
        assert_eq!(came, ["1", "2", "3"]);
        assert_eq!(queue.next().await, Err(LinkRefused));
        queue.push("roomed://launch?iss=i&launch=3");
        queue.done(&LaunchLink { iss: "i".into(), launch: "3".into(), handle: None });
        queue.push("roomed://launch?iss=i&launch=3");
        assert_eq!(queue.next().await.unwrap().launch, "3");
    }
}
