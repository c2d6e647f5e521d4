//! The clinician's way into a meeting: the Teams client's own scheme where the link's form allows it.
//! `joinWebUrl` is opaque: nothing about tenant or organizer is read out of it (reference/microsoft.md 5.1).

/// Longest link handed to an operating system's scheme handler.
const MAX_LINK: usize = 2_000;

/// The `msteams:` form of a join link, which skips the browser's chooser page: scheme and host replaced, the rest
/// byte for byte (T-DEEP: a full URL after `msteams:` cannot be parsed). `None` for the short `/meet/` links and
/// anything unfamiliar: open those over https.
pub fn teams_url(join_web_url: &str) -> Option<String> {
    let rest = join_web_url.strip_prefix("https://").or_else(|| join_web_url.strip_prefix("http://"))?;
    let path = &rest[rest.find('/')?..];
    let plain = path.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'"' | b'<' | b'>' | b'\\' | b'`'));
    let host_is_plain = !rest[..rest.len() - path.len()].contains('@');
    (path.starts_with("/l/meetup-join/") && plain && host_is_plain && path.len() <= MAX_LINK)
        .then(|| format!("msteams:{path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_links_open_in_the_client() {
        let url =
            "https://teams.microsoft.com/l/meetup-join/19%3ameeting_Zm%40thread.v2/0?context=%7b%22Tid%22%3a%22x%22%7d";
        assert_eq!(
            teams_url(url).as_deref(),
            Some("msteams:/l/meetup-join/19%3ameeting_Zm%40thread.v2/0?context=%7b%22Tid%22%3a%22x%22%7d")
        );
        assert!(teams_url("http://127.0.0.1:9/l/meetup-join/19%3am/0").is_some());
    }

    #[test]
    fn short_and_strange_links_do_not() {
        for url in [
            "https://teams.microsoft.com/meet/2345?p=abc",
            "https://teams.microsoft.com",
            "msteams:https://teams.microsoft.com/l/meetup-join/x",
            "https://u@teams.microsoft.com/l/meetup-join/x",
            "https://teams.microsoft.com/l/meetup-join/a b",
            "https://teams.microsoft.com/l/meetup-join/a\nb",
            "javascript:alert(1)",
            "",
        ] {
            assert_eq!(teams_url(url), None, "{url}");
        }
        assert_eq!(teams_url(&format!("https://t/l/meetup-join/{}", "a".repeat(3_000))), None);
    }

    proptest::proptest! {
        #[test]
        fn never_panics(url in ".{0,200}") { let _ = teams_url(&url); }
    }
}
