//! The visit page in real Chromium on a slow phone: how much script it fetches, and when it is of use. Processor and line
//! are slowed down by DevTools, four times and to its "Slow 4G".

use anyhow::Context;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use super::super::report::Figure;
use super::BUILD;
use super::clinic::Clinic;
use crate::browser::{Browser, PHONE};
use crate::wait;

/// Says when the first screen stood and answered to presses; for a page without a script, when it had been read.
const OBSERVE: &str = "document.addEventListener('DOMContentLoaded', () => { window.read = performance.now(); });\
    new MutationObserver(() => { const said = document.documentElement?.dataset;\
    if (!window.usable && said?.ready === '1' && said.screen === 'place') window.usable = performance.now(); })\
    .observe(document, { subtree: true, childList: true, attributes: true });";

/// What a page has fetched besides itself.
const FETCHED: &str = "return performance.getEntriesByType('resource').map(({ name }) => name)\
    .filter((name) => !name.includes('/api/'))";

/// The figures of size and time.
pub(super) async fn measure(clinic: &Clinic, loads: usize) -> anyhow::Result<Vec<Figure>> {
    let folder = &clinic.stack.directory;
    let phone = Browser::start(&folder.join("phone"), &folder.join("logs/chromium.log"), PHONE).await?;
    phone.devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": OBSERVE })).await?;
    phone.open(&clinic.link().await?).await?;
    phone.see("html[data-screen='place'][data-ready='1']").await?;
    let size = size(clinic, &phone).await?;

    phone.devtools("Network.enable", json!({})).await?;
    phone.devtools("Emulation.setCPUThrottlingRate", json!({ "rate": 4 })).await?;
    let line = json!({
        "offline": false, "latency": 562.5, "downloadThroughput": 180_000, "uploadThroughput": 84_375,
    });
    phone.devtools("Network.emulateNetworkConditions", line).await?;
    let (page, bare) = (format!("{}/v/", clinic.stack.relay), format!("{}/i/none", clinic.stack.relay));
    let (mut usable, mut read) = (Vec::new(), Vec::new());
    for _ in 0..loads {
        usable.push(loaded(&phone, &page, "usable").await?);
        read.push(loaded(&phone, &bare, "read").await?);
    }
    phone.close().await?;
    let time = Figure::of(
        (&format!("the visit page of use, nothing cached, processor 4x slower, slow 4G ({BUILD})"), &usable),
        "ms",
        ("a page of ours without script and style files, read, same phone and line", &read),
        "<= 5,000 ms",
    )?;
    Ok(vec![size, time])
}

/// Loads a page with nothing cached.
async fn loaded(phone: &Browser, url: &str, when: &str) -> anyhow::Result<f64> {
    phone.devtools("Network.clearBrowserCache", json!({})).await?;
    phone.open(url).await?;
    wait::until("the page is of use", async || {
        Ok(phone.page.execute(&format!("return window.{when}"), Vec::new()).await?.as_f64())
    })
    .await
}

async fn size(clinic: &Clinic, phone: &Browser) -> anyhow::Result<Figure> {
    let fetched = phone.page.execute(FETCHED, Vec::new()).await?;
    let (mut script, mut other) = (0.0, zipped(clinic, &format!("{}/v/", clinic.stack.relay)).await?);
    for url in fetched.as_array().into_iter().flatten().filter_map(Value::as_str) {
        let kib = zipped(clinic, url).await?;
        if url.ends_with(".js") { script += kib } else { other += kib }
    }
    Figure::of(
        ("script of the visit page in one language, gzip -9", &[script]),
        "KiB",
        ("page, styles and pictures of the same load, gzip -9", &[other]),
        "< 60 KiB",
    )
}

/// What an address answers, compressed, in KiB.
async fn zipped(clinic: &Clinic, url: &str) -> anyhow::Result<f64> {
    let bytes = clinic.http.get(url).send().await?.error_for_status()?.bytes().await?;
    let mut gzip = Command::new("gzip");
    gzip.arg("-9c").stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
    let mut gzip = gzip.spawn().context("gzip is not installed")?;
    let mut input = gzip.stdin.take().context("gzip takes nothing")?;
    let feeding = async move { input.write_all(&bytes).await };
    let (fed, done) = tokio::join!(feeding, gzip.wait_with_output());
    fed?;
    Ok(f64::from(u32::try_from(done?.stdout.len())?) / 1024.0)
}
