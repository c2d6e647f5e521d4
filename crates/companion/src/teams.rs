//! Opening the meeting: the Teams client where there is one, the browser otherwise (`microsoft.md` 5.1).
//! The relay's answer is checked before anything is opened: it may name a Teams link or an https page, nothing else.

use roomed_protocol::{JoinView, Problem};
use roomed_smart::UrlPolicy;

use crate::ports::Opener;
use crate::problems;

/// Opens it. Blocks for as long as the operating system takes.
pub(crate) fn open(opener: &dyn Opener, join: &JoinView, policy: UrlPolicy) -> Result<(), Problem> {
    if let Some(url) = join.teams_url.as_deref()
        && url.starts_with("msteams:/l/")
        && !url.chars().any(|c| c.is_control() || c.is_whitespace())
        && opener.handles("msteams")
        && opener.open(url).is_ok()
    {
        return Ok(());
    }
    policy.parse(&join.https_url.replace('#', "%23")).map_err(|_| problems::internal())?;
    opener.open(&join.https_url).map_err(|_| problems::browser_missing())
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::ports::Refused;

    struct Desktop {
        teams: bool,
        teams_opens: bool,
        opened: Mutex<Vec<String>>,
    }

    impl Opener for Desktop {
        fn open(&self, url: &str) -> Result<(), Refused> {
            if url.starts_with("msteams:") && !self.teams_opens {
                return Err(Refused);
            }
            self.opened.lock().expect("not poisoned").push(url.to_owned());
            Ok(())
        }
        fn handles(&self, scheme: &str) -> bool {
            scheme == "msteams" && self.teams
        }
    }

    fn opened(teams: bool, teams_opens: bool, teams_url: Option<&str>, https_url: &str) -> Option<String> {
        let desktop = Desktop { teams, teams_opens, opened: Mutex::default() };
        let join = JoinView { teams_url: teams_url.map(str::to_owned), https_url: https_url.to_owned() };
        let outcome = open(&desktop, &join, UrlPolicy::HttpsOnly);
        let last = desktop.opened.lock().expect("not poisoned").pop();
        assert_eq!(outcome.is_ok(), last.is_some());
        last
    }

    #[test]
    fn teams_where_it_is_the_browser_otherwise_and_nothing_else() {
        let (teams, page) = ("msteams:/l/meetup-join/x", "https://teams.microsoft.com/l/meetup-join/x");
        assert_eq!(opened(true, true, Some(teams), page).as_deref(), Some(teams));
        assert_eq!(opened(false, true, Some(teams), page).as_deref(), Some(page));
        assert_eq!(opened(true, false, Some(teams), page).as_deref(), Some(page));
        assert_eq!(opened(true, true, None, page).as_deref(), Some(page));
        assert_eq!(opened(true, true, Some("file:///etc/passwd"), page).as_deref(), Some(page));
        assert_eq!(opened(true, true, Some("msteams:https://evil"), page).as_deref(), Some(page));
        assert_eq!(opened(false, true, None, "http://teams.example/"), None);
        assert_eq!(opened(false, true, None, "file:///etc/passwd"), None);
    }
}
