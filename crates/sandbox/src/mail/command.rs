//! One line of an SMTP client taken apart (RFC 5321 4.1.1, RFC 1870 for SIZE, RFC 4954 for AUTH).

/// What the client wants.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// `EHLO`, with a name.
    Ehlo,
    /// `HELO`, with a name.
    Helo,
    /// `STARTTLS` (RFC 3207).
    StartTls,
    /// `AUTH PLAIN`, with the initial response if it came along.
    AuthPlain(Option<String>),
    /// `MAIL FROM`.
    Mail {
        /// Empty for the null sender.
        from: String,
        /// Announced size in bytes.
        size: Option<usize>,
        /// `BODY=8BITMIME`.
        eight_bit: bool,
    },
    /// `RCPT TO`.
    Rcpt(String),
    /// `DATA`.
    Data,
    /// `RSET`.
    Rset,
    /// `NOOP`.
    Noop,
    /// `QUIT`.
    Quit,
    /// Known, but not as it was said: why.
    Wrong(&'static str),
    /// Something else.
    Unknown,
}

impl Command {
    /// Takes a line without its CRLF apart.
    pub(super) fn parse(line: &str) -> Self {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        match (verb.to_ascii_uppercase().as_str(), rest) {
            ("EHLO" | "HELO", "") => Self::Wrong("say who you are"),
            ("EHLO", _) => Self::Ehlo,
            ("HELO", _) => Self::Helo,
            ("STARTTLS", "") => Self::StartTls,
            ("AUTH", rest) => auth(rest),
            ("MAIL", rest) => mail(rest),
            ("RCPT", rest) => rcpt(rest),
            ("DATA", "") => Self::Data,
            ("RSET", "") => Self::Rset,
            ("NOOP", _) => Self::Noop,
            ("QUIT", "") => Self::Quit,
            ("DATA" | "RSET" | "QUIT" | "STARTTLS", _) => Self::Wrong("this takes no parameter"),
            _ => Self::Unknown,
        }
    }
}

fn auth(rest: &str) -> Command {
    match rest.split_once(' ').unwrap_or((rest, "")) {
        (mechanism, "") if mechanism.eq_ignore_ascii_case("PLAIN") => Command::AuthPlain(None),
        (mechanism, initial) if mechanism.eq_ignore_ascii_case("PLAIN") => Command::AuthPlain(Some(initial.to_owned())),
        _ => Command::Wrong("the mechanism is PLAIN"),
    }
}

fn mail(rest: &str) -> Command {
    let Some((from, parameters)) = path(rest, "FROM:") else { return Command::Wrong("MAIL FROM:<address>") };
    if !from.is_empty() && !is_address(&from) {
        return Command::Wrong("that is no address");
    }
    let (mut size, mut eight_bit) = (None, false);
    for parameter in parameters.split_ascii_whitespace() {
        match parameter.to_ascii_uppercase().split_once('=') {
            Some(("SIZE", digits)) => match digits.parse() {
                Ok(bytes) => size = Some(bytes),
                Err(_) => return Command::Wrong("SIZE is a number of bytes"),
            },
            Some(("BODY", "8BITMIME")) => eight_bit = true,
            Some(("BODY", "7BIT")) => eight_bit = false,
            _ => return Command::Wrong("that parameter was not offered"),
        }
    }
    Command::Mail { from, size, eight_bit }
}

fn rcpt(rest: &str) -> Command {
    match path(rest, "TO:") {
        Some((to, "")) if is_address(&to) => Command::Rcpt(to),
        Some((_, "")) => Command::Wrong("that is no address"),
        Some(_) => Command::Wrong("that parameter was not offered"),
        None => Command::Wrong("RCPT TO:<address>"),
    }
}

/// `FROM:<address> parameters`; no space after the colon (RFC 5321 3.3).
fn path<'a>(rest: &'a str, keyword: &str) -> Option<(String, &'a str)> {
    let (before, after) = rest.split_at_checked(keyword.len())?;
    let (address, parameters) = after.strip_prefix('<')?.split_once('>')?;
    before.eq_ignore_ascii_case(keyword).then(|| (address.to_owned(), parameters.trim_start()))
}

fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let plain =
        |it: &str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_graphic() && !b"<>()\\,;:\"@[]".contains(&it));
    plain(local) && local.len() <= 64 && plain(domain) && domain.len() <= 255 && !domain.starts_with('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_taken_as_the_standard_writes_them() {
        let mail = |from: &str, size, eight_bit| Command::Mail { from: from.to_owned(), size, eight_bit };
        assert_eq!(Command::parse("mail from:<a@b.c> SIZE=12 body=8bitmime"), mail("a@b.c", Some(12), true));
        assert_eq!(Command::parse("MAIL FROM:<>"), mail("", None, false));
        assert_eq!(Command::parse("RCPT TO:<a@b.c>"), Command::Rcpt("a@b.c".to_owned()));
        assert_eq!(Command::parse("AUTH plain AGEAYg=="), Command::AuthPlain(Some("AGEAYg==".to_owned())));
        for wrong in [
            "MAIL FROM: <a@b.c>",
            "MAIL FROM:a@b.c",
            "MAIL FROM:<a>",
            "MAIL FROM:<a@b.c> SMTPUTF8",
            "EHLO",
            "RCPT TO:<>",
            "RCPT TO:<a b@c.d>",
            "RCPT TO:<a@b.c> NOTIFY=NEVER",
            "DATA now",
            "AUTH LOGIN",
        ] {
            assert!(matches!(Command::parse(wrong), Command::Wrong(_)), "{wrong}");
        }
        assert_eq!(Command::parse("starttls"), Command::StartTls);
        assert_eq!(Command::parse("TURN"), Command::Unknown);
    }
}
