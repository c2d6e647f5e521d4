//! One SMTP conversation from greeting to QUIT. A refusal never ends it, except where a switch cuts the line.

use super::{
    LARGEST,
    command::Command,
    data,
    fate::{self, Fate},
    letter,
};
use crate::core::{
    Shared,
    switches::{MAIL_CERTIFICATE, MAIL_SIGN_IN, MAIL_TLS},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::json;
use std::io;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader},
    net::TcpStream,
};

/// RFC 5321 4.5.3.1.4 says 512; AUTH may need more (RFC 4954 4).
const LONGEST_COMMAND: u64 = 12_288;
const MOST_RECIPIENTS: usize = 100;

struct Envelope {
    from: String,
    eight_bit: bool,
    to: Vec<String>,
    fate: Fate,
}

/// A line, whether or not anybody can listen in.
trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Wire for T {}

struct Session {
    hospital: Shared,
    line: BufReader<Box<dyn Wire>>,
    is_secret: bool,
    /// The first words of what was said while anybody could listen in.
    overheard: Vec<String>,
    greeted: bool,
    signed_in: bool,
    envelope: Option<Envelope>,
}

/// Whether the conversation goes on.
#[derive(PartialEq, Eq)]
enum Next {
    Goes,
    Ends,
}

/// Talks until the client leaves.
pub(super) async fn talk(stream: TcpStream, hospital: Shared) {
    let line: BufReader<Box<dyn Wire>> = BufReader::new(Box::new(stream));
    let mut session = Session {
        hospital,
        line,
        is_secret: false,
        overheard: Vec::new(),
        greeted: false,
        signed_in: false,
        envelope: None,
    };
    if let Err(error) = session.run().await {
        tracing::debug!(%error, "a mail conversation ended");
    }
    let detail = json!({ "secret": session.is_secret, "overheard": session.overheard });
    session.hospital.log("mail", "talked", detail);
}

impl Session {
    async fn run(&mut self) -> io::Result<()> {
        if self.hospital.switches.is(&MAIL_TLS, "", "implicit") {
            self.go_secret().await?;
        }
        self.say(220, "mail.northside.example ESMTP (stand-in, nothing is delivered)").await?;
        while let Some(line) = self.line().await? {
            if self.answer(Command::parse(&line)).await? == Next::Ends {
                break;
            }
        }
        Ok(())
    }

    /// From here on in TLS. What was sent along with the request for it is nobody's word (RFC 3207, 4.2).
    async fn go_secret(&mut self) -> io::Result<()> {
        let is_strangers = self.hospital.switches.is(&MAIL_CERTIFICATE, "", "strangers");
        let hospital = Shared::clone(&self.hospital);
        let tls = hospital.mail.tls.as_ref().ok_or_else(|| io::Error::other("there is no TLS here"))?;
        let plain = std::mem::replace(
            &mut self.line,
            BufReader::new(Box::new(tokio::io::join(tokio::io::empty(), tokio::io::sink()))),
        );
        let secret = tls.acceptor(is_strangers).accept(plain.into_inner()).await?;
        self.line = BufReader::new(Box::new(secret));
        (self.is_secret, self.greeted, self.signed_in, self.envelope) = (true, false, false, None);
        Ok(())
    }

    async fn say(&mut self, code: u16, text: &str) -> io::Result<()> {
        self.write(format!("{code} {text}\r\n").as_bytes()).await
    }

    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.line.write_all(bytes).await?;
        self.line.flush().await
    }

    /// A refusal; the journal has it too.
    async fn no(&mut self, code: u16, text: &str) -> io::Result<Next> {
        self.hospital.log("mail", "refused", json!({ "code": code, "reason": text }));
        self.say(code, text).await?;
        Ok(Next::Goes)
    }

    async fn ok(&mut self, text: &str) -> io::Result<Next> {
        self.say(250, text).await?;
        Ok(Next::Goes)
    }

    /// A command line; `None` when the client has gone or does not speak SMTP.
    async fn line(&mut self) -> io::Result<Option<String>> {
        let mut line = Vec::new();
        (&mut self.line).take(LONGEST_COMMAND).read_until(b'\n', &mut line).await?;
        if !self.is_secret && !line.is_empty() {
            let verb = line.split(|it| !it.is_ascii_alphabetic()).next().unwrap_or_default();
            self.overheard.push(String::from_utf8_lossy(verb).to_ascii_uppercase());
        }
        let text = line.strip_suffix(b"\r\n").and_then(|it| std::str::from_utf8(it).ok());
        if text.is_none() && !line.is_empty() {
            self.no(500, "5.5.2 a command is one line of text that ends with CR LF").await?;
        }
        Ok(text.map(str::to_owned))
    }

    async fn answer(&mut self, command: Command) -> io::Result<Next> {
        match command {
            Command::Ehlo => self.greet().await,
            Command::Helo => {
                self.greeted = true;
                self.envelope = None;
                self.ok("mail.northside.example").await
            }
            Command::StartTls if !self.offers_tls() => self.no(502, "5.5.1 TLS is not offered").await,
            Command::StartTls if !self.greeted || self.envelope.is_some() => self.no(503, "5.5.1 not now").await,
            Command::StartTls => {
                self.say(220, "2.0.0 go on in TLS").await?;
                self.go_secret().await?;
                Ok(Next::Goes)
            }
            Command::AuthPlain(initial) => self.sign_in(initial).await,
            Command::Mail { from, size, eight_bit } => self.mail(from, size, eight_bit).await,
            Command::Rcpt(to) => self.rcpt(to).await,
            Command::Data => self.data().await,
            Command::Rset => {
                self.envelope = None;
                self.ok("2.0.0 forgotten").await
            }
            Command::Noop => self.ok("2.0.0 still here").await,
            Command::Quit => {
                self.say(221, "2.0.0 good-bye").await?;
                Ok(Next::Ends)
            }
            Command::Wrong(why) => self.no(501, &format!("5.5.4 {why}")).await,
            Command::Unknown => self.no(502, "5.5.1 no such command here").await,
        }
    }

    fn offers_tls(&self) -> bool {
        !self.is_secret && self.hospital.switches.is(&MAIL_TLS, "", "starttls")
    }

    fn demands_sign_in(&self) -> bool {
        self.hospital.switches.is(&MAIL_SIGN_IN, "", "demanded")
    }

    async fn greet(&mut self) -> io::Result<Next> {
        self.greeted = true;
        self.envelope = None;
        let tls = if self.offers_tls() { "250-STARTTLS\r\n" } else { "" };
        let auth = if self.demands_sign_in() && !self.offers_tls() { "250-AUTH PLAIN\r\n" } else { "" };
        let text = format!(
            "250-mail.northside.example\r\n250-SIZE {LARGEST}\r\n250-8BITMIME\r\n{tls}{auth}250 ENHANCEDSTATUSCODES\r\n"
        );
        self.write(text.as_bytes()).await?;
        Ok(Next::Goes)
    }

    async fn sign_in(&mut self, initial: Option<String>) -> io::Result<Next> {
        if self.offers_tls() {
            return self.no(530, "5.7.0 STARTTLS first").await;
        }
        if !self.demands_sign_in() {
            return self.no(502, "5.5.1 signing in is not offered").await;
        }
        if !self.greeted || self.signed_in || self.envelope.is_some() {
            return self.no(503, "5.5.1 not now").await;
        }
        let response = match initial {
            Some(it) => it,
            None => {
                self.write(b"334 \r\n").await?;
                match self.line().await? {
                    Some(it) => it,
                    None => return Ok(Next::Ends),
                }
            }
        };
        let known = format!("\0{}\0{}", self.hospital.mail.user, self.hospital.mail.password);
        if BASE64_STANDARD.decode(response).is_ok_and(|it| it == known.as_bytes()) {
            self.signed_in = true;
            self.say(235, "2.7.0 signed in").await?;
            return Ok(Next::Goes);
        }
        self.no(535, "5.7.8 user or password is wrong").await
    }

    async fn mail(&mut self, from: String, size: Option<usize>, eight_bit: bool) -> io::Result<Next> {
        if !self.greeted || self.envelope.is_some() {
            return self.no(503, "5.5.1 EHLO first, and one letter at a time").await;
        }
        if self.offers_tls() {
            return self.no(530, "5.7.0 STARTTLS first").await;
        }
        if self.demands_sign_in() && !self.signed_in {
            return self.no(530, "5.7.0 sign in first").await;
        }
        if size.is_some_and(|it| it > LARGEST) {
            return self.no(552, "5.3.4 the letter is too large").await;
        }
        self.envelope = Some(Envelope { from, eight_bit, to: Vec::new(), fate: Fate::Taken });
        self.ok("2.1.0 sender").await
    }

    async fn rcpt(&mut self, to: String) -> io::Result<Next> {
        let fate = fate::of(&self.hospital, &to).await;
        let Some(envelope) = &mut self.envelope else { return self.no(503, "5.5.1 MAIL first").await };
        if envelope.to.len() >= MOST_RECIPIENTS {
            return self.no(452, "4.5.3 too many recipients").await;
        }
        match fate {
            Fate::Refused(code) if code < 500 => return self.no(code, "4.2.1 this mailbox is not available now").await,
            Fate::Refused(code) => return self.no(code, "5.1.1 there is no such mailbox").await,
            fate => envelope.fate = fate,
        }
        envelope.to.push(to);
        self.ok("2.1.5 recipient").await
    }

    async fn data(&mut self) -> io::Result<Next> {
        let Some(Envelope { from, eight_bit, to, fate }) = self.envelope.take_if(|it| !it.to.is_empty()) else {
            return self.no(503, "5.5.1 RCPT first").await;
        };
        self.say(354, "end with a lone dot").await?;
        let Some(read) = data::read(&mut self.line, eight_bit).await? else { return Ok(Next::Ends) };
        let raw = match read {
            Ok(raw) => raw,
            Err((code, text)) => return self.no(code, text).await,
        };
        if fate == Fate::CutBefore {
            self.hospital.log("mail", "cut", json!({ "kept": false }));
            return Ok(Next::Ends);
        }
        if fate == Fate::Hangs {
            self.hospital.log("mail", "hung", json!({}));
            // Until the client loses patience.
            let mut rest = Vec::new();
            (&mut self.line).take(LONGEST_COMMAND).read_to_end(&mut rest).await?;
            return Ok(Next::Ends);
        }
        let (recipients, bytes) = (to.len(), raw.len());
        let letter = letter::New { from, to, signed_in: self.signed_in, raw };
        let n = self.hospital.mail.keep(self.hospital.clock.now(), letter);
        self.hospital.log("mail", "received", json!({ "n": n, "recipients": recipients, "bytes": bytes }));
        if fate == Fate::CutAfter {
            self.hospital.log("mail", "cut", json!({ "kept": true }));
            return Ok(Next::Ends);
        }
        self.ok(&format!("2.0.0 kept as {n}")).await
    }
}
