//! The companion's sign-in against an OpenID provider that is not ours (npm oidc-provider): another reading of the
//! standard than our own stand-in for Entra.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

use anyhow::Context;
use e2e::clinician::http;
use roomed_companion::clock::SystemClock;
use roomed_companion::config::RedirectHost;
use roomed_companion::desktop::OsNotifier;
use roomed_companion::ports::{Opener, Ports, Refused, SystemRandom, Window};
use roomed_companion::secrets::OsKeychain;
use roomed_companion::sign_in::{Account, Granted, Prompt, SignIn, SignInError};
use roomed_protocol::SignInView;
use roomed_smart::UrlPolicy;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use url::Url;

/// Whoever signs in; any name will do.
const LOGIN: &str = "maya.okafor";

/// The provider, running. Dropping it ends it.
struct Witness {
    at: SignInView,
    tid: String,
    _process: Child,
}

impl Witness {
    async fn start() -> anyhow::Result<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("witness");
        let mut process = Command::new("node")
            .arg("oidc-provider.mjs")
            .arg("--short-tokens")
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("node cannot be started; `cargo xtask setup` says what is missing")?;
        let output = process.stdout.take().context("node has no output")?;
        let line = BufReader::new(output).lines().next_line().await?;
        let line = line.context("the provider did not start; `cargo xtask setup` installs its packages")?;
        let said: Value = serde_json::from_str(&line)?;
        let text = |key: &str| said[key].as_str().unwrap_or_default().to_owned();
        let at = SignInView {
            organization: "Witness".to_owned(),
            authority: text("issuer"),
            client_id: text("client_id"),
            scope: "profile".to_owned(),
        };
        Ok(Self { at, tid: text("tid"), _process: process })
    }

    async fn get(&self, path: &str) -> anyhow::Result<Value> {
        Ok(http()?
            .get(format!("{}/witness/{path}", self.at.authority))
            .send()
            .await?
            .error_for_status()?
            .json()
            .await?)
    }

    /// What it has done, e.g. `grant.success refresh_token`.
    async fn did(&self) -> anyhow::Result<Vec<String>> {
        let journal = self.get("journal").await?;
        let line = |it: &Value| format!("{} {}", text(&it["what"]), text(&it["grant_type"])).trim().to_owned();
        Ok(journal["entries"].as_array().into_iter().flatten().map(line).collect())
    }
}

fn text(of: &Value) -> &str {
    of.as_str().unwrap_or_default()
}

/// The "system browser": hands the address to the test.
struct Handed(mpsc::UnboundedSender<String>);

impl Opener for Handed {
    fn open(&self, url: &str) -> Result<(), Refused> {
        self.0.send(url.to_owned()).map_err(|_| Refused)
    }

    fn handles(&self, _scheme: &str) -> bool {
        false
    }
}

/// A window nobody looks at.
struct NoWindow;

impl Window for NoWindow {
    fn bring_forward(&self) {}
}

fn companion() -> anyhow::Result<(SignIn, mpsc::UnboundedReceiver<String>)> {
    rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
    let (handed, addresses) = mpsc::unbounded_channel();
    let ports = Ports {
        opener: Arc::new(Handed(handed)),
        secrets: Arc::new(OsKeychain),
        notifier: Arc::new(OsNotifier),
        window: Arc::new(NoWindow),
        idle: Arc::new(roomed_companion::idle::OsIdle),
        clock: Arc::new(SystemClock),
        random: Arc::new(SystemRandom),
    };
    let client = roomed_smart::http::client(UrlPolicy::AllowLoopbackHttp)?;
    Ok((SignIn::new(client, UrlPolicy::AllowLoopbackHttp, RedirectHost::Loopback, &ports), addresses))
}

/// A browser that keeps cookies and fills in the provider's development forms, up to the redirect to the companion.
async fn log_in(address: &str) -> anyhow::Result<Url> {
    let http = http()?;
    let mut cookies: Vec<(String, String)> = Vec::new();
    let (mut url, mut form): (Url, Option<Vec<(&str, &str)>>) = (address.parse()?, None);
    let provider = url.port();
    for _ in 0..20 {
        let jar: Vec<_> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = match form.take() {
            Some(form) => http.post(url.clone()).form(&form),
            None => http.get(url.clone()),
        };
        let answer = request.header("cookie", jar.join("; ")).send().await?;
        for cookie in answer.headers().get_all("set-cookie") {
            let pair = cookie.to_str()?.split(';').next().unwrap_or_default();
            let (name, value) = pair.split_once('=').context("a cookie without a value")?;
            cookies.retain(|(known, _)| known != name);
            cookies.push((name.to_owned(), value.to_owned()));
        }
        if answer.status().is_redirection() {
            let location = answer.headers().get("location").context("a redirect to nowhere")?.to_str()?;
            url = url.join(location)?;
            if url.port() != provider {
                return Ok(url);
            }
            continue;
        }
        anyhow::ensure!(answer.status().is_success(), "the provider answered {} at {}", answer.status(), url.path());
        let page = answer.text().await?;
        let action =
            page.split("action=\"").nth(1).and_then(|it| it.split('"').next()).context("a page without a form")?;
        url = url.join(action)?;
        form = Some(match page.contains("name=\"login\"") {
            true => vec![("prompt", "login"), ("login", LOGIN), ("password", "any")],
            false => vec![("prompt", "consent")],
        });
    }
    anyhow::bail!("the provider sends the browser in circles")
}

/// Signs in with a browser that does `meanwhile` before it goes back to the companion.
async fn sign_in(
    witness: &Witness,
    meanwhile: impl AsyncFnOnce(&Url) -> anyhow::Result<()>,
) -> anyhow::Result<(SignIn, Granted, Account)> {
    let (companion, mut addresses) = companion()?;
    let (running, at) = (companion.clone(), witness.at.clone());
    let signing_in = tokio::spawn(async move { running.run(&at, Prompt::Account).await });
    let address = addresses.recv().await.context("no browser was opened")?;
    let back = log_in(&address).await?;
    meanwhile(&back).await?;
    anyhow::ensure!(!signing_in.is_finished(), "the sign-in ended before the browser came back");
    let done = http()?.get(back).send().await?;
    anyhow::ensure!(done.status().as_u16() == 303, "the companion answered {}", done.status());
    let (granted, account) = signing_in.await??;
    Ok((companion, granted, account))
}

fn refresh_token(granted: &Granted) -> anyhow::Result<&SecretString> {
    granted.refresh_token.as_ref().context("no refresh token was granted")
}

#[tokio::test]
async fn a_third_partys_sign_in_is_verified_and_its_refresh_token_rotates() -> anyhow::Result<()> {
    let witness = Witness::start().await?;
    let (companion, granted, account) = sign_in(&witness, async |_| Ok(())).await?;
    let claims = witness.get(&format!("account/{LOGIN}")).await?;
    assert_eq!((account.tid.as_str(), account.oid.as_str()), (witness.tid.as_str(), text(&claims["oid"])));
    assert!(!granted.access_token.expose_secret().is_empty());
    // The provider says for how long, and the companion believes it rather than a default.
    assert_eq!(granted.expires_in.as_secs(), 2);

    let first = refresh_token(&granted)?;
    let second = companion.refresh(&witness.at, first).await?;
    let third = companion.refresh(&witness.at, refresh_token(&second)?).await?;
    let secrets = [first, refresh_token(&second)?, refresh_token(&third)?].map(|it| it.expose_secret().to_owned());
    assert!(secrets[0] != secrets[1] && secrets[1] != secrets[2], "a refresh token was not replaced");
    assert_ne!(granted.access_token.expose_secret(), second.access_token.expose_secret());

    // A refresh token used twice is taken for stolen: only a person can go on (RFC 9700, 4.14.2).
    let replayed = companion.refresh(&witness.at, first).await;
    assert_eq!(replayed.map(drop), Err(SignInError::InteractionNeeded));
    let after_that = companion.refresh(&witness.at, refresh_token(&third)?).await;
    assert_eq!(after_that.map(drop), Err(SignInError::InteractionNeeded));
    let did = witness.did().await?;
    assert_eq!(did.iter().filter(|it| *it == "grant.success refresh_token").count(), 2, "{did:?}");
    assert!(did.iter().any(|it| it == "grant.success authorization_code"), "{did:?}");
    Ok(())
}

#[tokio::test]
async fn an_answer_under_another_state_is_none_of_the_companions_business() -> anyhow::Result<()> {
    let witness = Witness::start().await?;
    let (_, _, account) = sign_in(&witness, async |back| {
        let swapped = |name: &str, value: Option<&str>| {
            let mut url = back.clone();
            let others: Vec<_> = back.query_pairs().into_owned().filter(|(key, _)| key != name).collect();
            url.query_pairs_mut().clear().extend_pairs(others);
            if let Some(value) = value {
                url.query_pairs_mut().append_pair(name, value);
            }
            url
        };
        let mut twice = back.clone();
        twice.query_pairs_mut().append_pair("state", "another");
        for (what, url) in [
            ("another state", swapped("state", Some("another"))),
            ("no state", swapped("state", None)),
            ("two states", twice),
            ("no code", swapped("code", None)),
        ] {
            let answer = http()?.get(url).send().await?;
            anyhow::ensure!(answer.status().as_u16() == 404, "{what} is answered {}", answer.status());
        }
        Ok(())
    })
    .await?;
    // The right answer still counts, and it is the person who logged in.
    let claims = witness.get(&format!("account/{LOGIN}")).await?;
    assert_eq!(account.oid, text(&claims["oid"]));
    Ok(())
}
