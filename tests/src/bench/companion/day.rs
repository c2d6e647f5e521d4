//! What a companion in use has: a person who is signed in, and a visit of theirs. The sign-in is kept in the session's
//! keychain, so every start of the companion finds it.

use anyhow::Context;
use url::Url;

use crate::clinician::Clinician;
use crate::stack::Stack;
use crate::window::{Desktop, end_companions};

/// Signs in through the window and enters a visit. No companion runs afterwards.
pub(super) async fn begin(stack: &Stack) -> anyhow::Result<()> {
    let desktop = Desktop::prepare(&stack.directory, &stack.relay, "northside").await?;
    let northside = stack.sandbox.organization("northside").await?;
    let me = northside.of_role("practitioner", 0)?;
    let patient = northside.0.pointer("/patients/0").context("there is no patient")?;
    let visit = stack.sandbox.schedule(&northside, me, patient).await?;
    let appointment = visit["appointment_id"].as_str().context("nothing was scheduled")?;
    Clinician::sign_in(stack, &northside, me).await?.enter(stack, appointment).await?;

    let window = desktop.open_window().await?;
    window.click("#sign-in").await?;
    let address = Url::parse(&desktop.asked_for("/oauth2/v2.0/authorize", 0).await?)?;
    let tenant = address.path_segments().and_then(|mut it| it.next()).context("no tenant in the address")?;
    let picker = format!("{}/{tenant}/pick", stack.sandbox.at("entra"));
    let account = me["upn"].as_str().context("nobody has a upn")?;
    let form = [("request", address.query().unwrap_or_default()), ("account", account)];
    let browser = reqwest::Client::builder().no_proxy().build()?;
    browser.post(picker).form(&form).send().await?.error_for_status()?;
    window.see("#connection[data-state='live']").await?;
    window.close().await?;
    end_companions().await
}
