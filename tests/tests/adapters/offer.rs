//! A visit that was begun in a browser, offered to the companion of the same clinician: to nobody else, without a name,
//! answered once, and over after a while.

use std::time::Duration;

use anyhow::Context;
use e2e::clinician::Clinician;
use futures_util::StreamExt;
use reqwest::Method;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::browser_launch::begun;
use crate::ground::{Ground, refused};
use crate::patient_first::online;
use crate::visitor::{Socket, shown};
use crate::web_browser::{Browser, Page};

const OVER: (u16, &str, &str) = (410, "offer-over", "clinician");

/// A visit of Maya's that she has begun in a browser without a companion beside it.
struct Begun {
    maya: Clinician,
    browser: Browser,
    /// The visit's page.
    path: String,
}

impl Begun {
    async fn at(ground: &Ground) -> anyhow::Result<Self> {
        let appointment = ground.schedule(0, 0).await?;
        let person = ground.northside.of_role("practitioner", 0)?;
        let mut browser = Browser::of(ground)?;
        let link = begun(ground, &mut browser, "MOKAFOR", &appointment).await?;
        let page = browser.go_as(&link, person).await?;
        let page = browser.is_me(page).await?;
        Ok(Self { maya: ground.clinician(0).await?, browser, path: page.address.path().to_owned() })
    }

    async fn page(&mut self) -> anyhow::Result<Page> {
        self.browser.go(&self.path.clone()).await
    }

    /// Presses *Open it in Roomed on your computer*; answers with the page that waits, and the offer.
    async fn offer(&mut self) -> anyhow::Result<(Page, String)> {
        let page = self.browser.press(&format!("{}/offers", self.path), &[]).await?;
        let offer = page.address.path().rsplit('/').next().context("no offer")?.to_owned();
        anyhow::ensure!(state(&page) == "waiting", "{}", page.text);
        Ok((page, offer))
    }

    async fn answer(&self, offer: &str, take: bool) -> anyhow::Result<e2e::clinician::Answer> {
        self.maya.ask(Method::POST, &format!("/offers/{offer}"), Some(&json!({ "take": take }))).await
    }
}

fn state(page: &Page) -> &str {
    page.attribute("offered", "data-offer").unwrap_or_default()
}

/// What somebody was told of offers.
async fn told(who: &Clinician) -> anyhow::Result<Vec<Value>> {
    let notices = who.get("/notices").await?["notices"].as_array().cloned().context("no notices")?;
    Ok(notices.into_iter().filter(|it| it["kind"].as_str().is_some_and(|kind| kind.starts_with("offer"))).collect())
}

/// Waits for the next hint.
async fn hinted(socket: &mut Socket) -> anyhow::Result<()> {
    while let Some(message) = socket.next().await {
        if matches!(message?, Message::Text(text) if text.contains("hint")) {
            return Ok(());
        }
    }
    anyhow::bail!("the socket was closed")
}

#[tokio::test]
async fn it_is_offered_to_its_clinicians_companion_and_to_nobody_else() -> anyhow::Result<()> {
    let ground = Ground::start().await?;
    let mut begun = Begun::at(&ground).await?;
    let (relay, offers) = (ground.stack.relay.clone(), format!("{}/offers", begun.path));
    let jonas = ground.clinician(1).await?;
    let stranger = ground.harbor.of_role("practitioner", 0)?;
    let harbor = Clinician::sign_in(&ground.stack, &ground.harbor, stranger).await?;

    // Nobody of hers is online, whoever else is: the page says so and offers nothing, nor can it be pressed.
    let _others = (online(&ground, &jonas).await?, online(&ground, &harbor).await?);
    let page = begun.page().await?;
    assert!(page.attribute("no-companion", "class").is_some() && page.attribute("offer", "class").is_none());
    let page = begun.browser.press(&offers, &[]).await?;
    assert_eq!(page.address.path(), begun.path);
    assert_eq!(told(&begun.maya).await?, Vec::<Value>::new());

    let mut socket = online(&ground, &begun.maya).await?;
    let page = begun.page().await?;
    assert!(page.attribute("offer", "class").is_some() && page.attribute("no-companion", "class").is_none());
    for origin in [None, Some("https://ehr.example"), Some("null")] {
        let answer = begun.browser.post(&offers, &[], origin).await?;
        assert_eq!(shown(answer).await?.code, "bad-request", "{origin:?}");
    }
    // Of a visit that is somebody else's there is nothing to offer.
    let mut his = Browser::of(&ground)?;
    his.go_as("/o/northside/signed-in", ground.northside.of_role("practitioner", 1)?).await?;
    assert_eq!(shown(his.post(&offers, &[], Some(&relay)).await?).await?.code, "visit-not-found");
    assert_eq!(told(&begun.maya).await?, Vec::<Value>::new());

    let (page, offer) = begun.offer().await?;
    hinted(&mut socket).await?;
    let notices = told(&begun.maya).await?;
    assert_eq!(notices.len(), 1, "{notices:?}");
    let said: Vec<&String> = notices[0].as_object().into_iter().flat_map(|it| it.keys()).collect();
    assert_eq!(said, ["at", "kind", "offer", "seq", "start", "until", "visit"], "times and ids only");
    assert_eq!((notices[0]["kind"].as_str(), notices[0]["offer"].as_str()), (Some("offered"), Some(offer.as_str())));
    assert_eq!(notices[0]["visit"].as_str(), begun.path.rsplit('/').next());
    for other in [&jonas, &harbor] {
        assert_eq!(told(other).await?, Vec::<Value>::new());
        let answer = other.ask(Method::POST, &format!("/offers/{offer}"), Some(&json!({ "take": true }))).await?;
        refused("somebody else answers", &answer, OVER);
    }
    let page_of_his = his.go(page.address.path()).await?;
    assert_eq!(state(&page_of_his), "over", "to him there is no such offer");
    refused("an offer nobody made", &begun.answer("made-up", true).await?, OVER);
    let nonsense = begun.maya.ask(Method::POST, &format!("/offers/{offer}"), Some(&json!({ "take": "yes" }))).await?;
    refused("no answer", &nonsense, (400, "bad-request", "it"));
    assert_eq!(state(&begun.browser.go(page.address.path()).await?), "waiting", "nobody has answered");
    ground.no_leaks().await
}

#[tokio::test]
async fn the_first_answer_counts_and_the_page_hears_of_it_at_once() -> anyhow::Result<()> {
    let ground = Ground::start().await?;
    let mut begun = Begun::at(&ground).await?;
    let mut socket = online(&ground, &begun.maya).await?;
    for (take, word) in [(true, "taken"), (false, "dismissed")] {
        let (page, offer) = begun.offer().await?;
        hinted(&mut socket).await?;
        let at = page.attribute("offered", "data-answer").context("the page cannot wait")?.to_owned();
        // It is waiting already when the answer comes; without news it would wait for longer than this.
        let (heard, answered) = tokio::join!(
            tokio::time::timeout(Duration::from_secs(8), begun.browser.api(Method::GET, &at, None)),
            async {
                let metrics = format!("{}/metrics", ground.stack.relay);
                reqwest::get(metrics).await?;
                begun.answer(&offer, take).await
            }
        );
        let (heard, view) = (heard.context("the page was not told")??.accepted()?, answered?.accepted()?);
        assert_eq!(heard, json!({ "state": word }));
        assert_eq!((&view["id"].as_str(), &view["proven"]), (&begun.path.rsplit('/').next(), &json!(true)));
        for again in [true, false] {
            refused("a second answer", &begun.answer(&offer, again).await?, OVER);
        }
        assert_eq!(state(&begun.browser.go(page.address.path()).await?), word);
        let notices = told(&begun.maya).await?;
        let last = notices.last().context("no notice")?;
        assert_eq!((&last["kind"], last["offer"].as_str()), (&json!("offer-answered"), Some(offer.as_str())));
    }
    ground.no_leaks().await
}

#[tokio::test]
async fn an_offer_expires_and_a_visit_that_is_over_is_not_opened() -> anyhow::Result<()> {
    let ground = Ground::start_with(|configuration| configuration["launch"] = json!({ "offer_seconds": 3 })).await?;
    let mut begun = Begun::at(&ground).await?;
    let _socket = online(&ground, &begun.maya).await?;
    let (page, offer) = begun.offer().await?;
    let at = page.attribute("offered", "data-answer").context("the page cannot wait")?.to_owned();
    e2e::wait::until("the offer is over", async || {
        let said = begun.browser.api(Method::GET, &at, None).await?.accepted()?;
        Ok((said == json!({ "state": "over" })).then_some(()))
    })
    .await?;
    refused("an answer too late", &begun.answer(&offer, true).await?, OVER);
    assert_eq!(state(&begun.browser.go(page.address.path()).await?), "over");

    let (_, offer) = begun.offer().await?;
    let end = format!("/visits/{}/end", begun.path.rsplit('/').next().unwrap_or_default());
    begun.maya.ask(Method::POST, &end, None).await?.accepted()?;
    refused("a visit that is over", &begun.answer(&offer, true).await?, (409, "visit-closed", "clinician"));
    ground.no_leaks().await
}
