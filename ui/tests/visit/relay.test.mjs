// The page against a relay on a real socket: the way a patient goes, lost networks, and leaving for the meeting.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { gzipSync } from "node:zlib";
import { accessible, launch, open, screen, shot, stage } from "./browser.mjs";
import { built } from "./pages.mjs";
import { FakeRelay } from "./relay.mjs";
import { until } from "./wait.mjs";

let browser, files;
before(async () => {
  files = await built("visit");
  browser = await launch();
});
after(() => browser?.close());

async function visit(t, live, begin = () => undefined) {
  const relay = await FakeRelay.start(files);
  begin(relay);
  const page = await open(browser, relay.page);
  t.after(async () => {
    await page.context().close();
    await relay.close();
  });
  await live(page, relay);
}

const live = (page) => page.waitForSelector('html[data-connection="live"]', { state: "attached" });
const toReady = async (page) => {
  await page.click("#start");
  await page.click("#skip-devices");
  await page.click("#skip-sound");
  await page.click("#checked");
  await screen(page, "ready");
};

test("from the right place into the meeting, and back", (t) =>
  visit(t, async (page, relay) => {
    await live(page);
    await page.click("#start");
    await page.click("#allow-devices");
    await page.waitForSelector('#hear-you[data-heard="true"]');
    await page.click("#continue");
    await page.click("#play-sound");
    await page.click("#heard-yes");
    await page.waitForSelector('#found-connection[data-result="good"]');
    await page.click("#checked");
    assert.equal(relay.count("POST /v/api/ready"), 0, "testing devices is no arrival");
    const works = { camera: "good", microphone: "good", speaker: "good", connection: "good" };
    await until("the report of the whole test", () => relay.bodies.devices?.some((report) => isDeepStrictEqual(report, works)));
    // Four results can change once each; the meter looks ten times a second.
    assert.ok(relay.count("POST /v/api/devices") <= 4, `${relay.count("POST /v/api/devices")} reports`);
    await page.click("#ready");
    await stage(page, "waiting");
    assert.equal(relay.count("POST /v/api/ready"), 1);
    assert.match(await page.textContent("#told"), /has been told you are ready/);

    relay.move({ stage: "called", join_url: relay.meeting });
    await screen(page, "called");
    assert.equal(await page.title(), "Your clinician is here");
    assert.match(await page.textContent("main"), /Teams will ask once more for your camera/);
    // Nobody presses anything: it opens by itself, told first.
    await page.waitForURL(relay.meeting);
    assert.ok(relay.asked.indexOf("POST /v/api/handed-over") < relay.asked.indexOf("GET /meeting"));
    assert.equal(relay.count("POST /v/api/handed-over"), 1);

    // They come back while the relay still says "called": the way in, and no second jump.
    await page.goBack();
    await screen(page, "in-meeting");
    relay.move({ stage: "in-meeting", join_url: relay.meeting });
    await stage(page, "in-meeting");
    await page.click("#open-meeting");
    await page.waitForURL(relay.meeting);
    assert.equal(relay.count("POST /v/api/handed-over"), 2);
    assert.deepEqual([...relay.origins], [relay.server.base]);
    assert.deepEqual(page.troubles, []);
  }));

test("the countdown can be held, and the button opens at once", (t) =>
  visit(t, async (page, relay) => {
    await live(page);
    relay.move({ stage: "called", join_url: relay.meeting });
    await page.click("#hold");
    await page.waitForSelector('#countdown:has-text("Take your time")');
    assert.equal(relay.count("POST /v/api/handed-over"), 0);
    await page.click("#open-meeting");
    await page.waitForURL(relay.meeting);
  }));

test("whose turn it is not any more waits on, and goes when it is", (t) =>
  visit(t, async (page, relay) => {
    await live(page);
    relay.move({ stage: "called", join_url: relay.meeting });
    await page.click("#hold");
    // Somebody else was sent in meanwhile; this page has not heard of it.
    relay.stage = { stage: "waiting", since: relay.view().now, told: relay.told };
    relay.handoverAnswers.push(400);
    await page.click("#open-meeting");
    await stage(page, "waiting");
    assert.equal(relay.count("GET /meeting"), 0);
    relay.move({ stage: "called", join_url: relay.meeting });
    await screen(page, "called");
    await page.waitForURL(relay.meeting);
    assert.equal(relay.count("POST /v/api/handed-over"), 2);
  }));

test("a relay that starts anew is asked until it has heard who goes in", (t) =>
  visit(t, async (page, relay) => {
    await live(page);
    relay.move({ stage: "called", join_url: relay.meeting });
    relay.handoverAnswers.push(503, 429);
    await page.click("#open-meeting");
    await page.waitForURL(relay.meeting);
    assert.equal(relay.count("POST /v/api/handed-over"), 3);
  }));

test("a relay that cannot be asked keeps nobody out", (t) =>
  visit(t, async (page, relay) => {
    await live(page);
    relay.move({ stage: "called", join_url: relay.meeting });
    relay.handoverAnswers.push(...Array(50).fill(502));
    await page.click("#open-meeting");
    await page.waitForURL(relay.meeting);
    assert.ok(relay.count("POST /v/api/handed-over") > 2);
  }));

test("the countdown itself", (t) =>
  visit(t, async (page, relay) => {
    await live(page);
    relay.move({ stage: "called", join_url: relay.meeting });
    await page.waitForSelector('#countdown:has-text("opens in 3 seconds")');
    await shot(page, "countdown-phone-light");
    await page.waitForURL(relay.meeting);
  }));

test("nobody looks: the countdown waits for them", (t) =>
  visit(t, async (page, relay) => {
    await live(page);
    const hide = (hidden) =>
      page.evaluate((value) => {
        Object.defineProperty(document, "hidden", { configurable: true, get: () => value });
        globalThis.beats = 0;
        setInterval(() => (globalThis.beats += 1), 1000);
      }, hidden);
    await hide(true);
    relay.move({ stage: "called", join_url: relay.meeting });
    await screen(page, "called");
    await page.waitForFunction(() => globalThis.beats >= 4);
    assert.match(await page.textContent("#countdown"), /opens in 3 seconds/);
    await hide(false);
    await page.waitForURL(relay.meeting);
  }));

test("a link that is no web address is not followed", (t) =>
  visit(t, async (page, relay) => {
    await live(page);
    relay.move({ stage: "called", join_url: "javascript:document.title='followed'" });
    await page.click("#open-meeting");
    await page.waitForSelector('[role="alert"]:has-text("call the clinic")');
    assert.equal(relay.count("POST /v/api/handed-over"), 0);
    assert.notEqual(await page.title(), "followed");
  }));

test("a cut socket is taken up again by itself; what happened meanwhile is seen", (t) =>
  visit(
    t,
    async (page, relay) => {
      await live(page);
      await screen(page, "waiting");
      relay.down();
      await page.waitForSelector("#offline");
      assert.match(await page.textContent("#offline"), /We are connecting again\. You keep your place\./);
      await accessible(page, "reconnecting");
      await until("several tries", () => relay.count("GET /v/api/visit") >= 4);
      relay.stage = { ...relay.stage, told: "clinician" };
      relay.state = "up";
      await live(page);
      await page.waitForSelector('#told[data-told="clinician"]');
      assert.equal(await page.locator("#offline").count(), 0);
      relay.move({ stage: "ended" });
      await screen(page, "ended");
    },
    (relay) => (relay.stage = { stage: "waiting", since: new Date().toISOString(), told: "nobody" }),
  ));

test("the wait clock runs on the relay's clock", (t) =>
  visit(
    t,
    async (page) => {
      await page.waitForSelector("#clock");
      assert.match(await page.textContent("#clock"), /^04:0\d$|^04:[1-5]\d$/);
    },
    (relay) => {
      relay.ahead = 3_600_000;
      relay.stage = { stage: "waiting", since: new Date(Date.now() + relay.ahead - 240_000).toISOString(), told: "clinician" };
    },
  ));

test("I'm ready that does not arrive is said, and can be pressed again", (t) =>
  visit(t, async (page, relay) => {
    await live(page);
    await toReady(page);
    relay.readyAnswers = [503];
    await page.click("#ready");
    await page.waitForSelector('#trouble:has-text("press the button again")');
    await shot(page, "ready-trouble-phone-light");
    relay.down();
    await page.click("#ready");
    await page.waitForSelector('#trouble:has-text("Check your internet")');
    relay.state = "up";
    await page.click("#ready");
    await stage(page, "waiting");
  }));

test("a node that has no such address ends nobody's wait", (t) =>
  visit(t, async (page, relay) => {
    await live(page);
    relay.state = "elsewhere";
    relay.cut();
    await page.waitForSelector("#offline");
    await until("several tries", () => relay.count("GET /v/api/visit") >= 4);
    relay.state = "up";
    await live(page);
  }));

test("a session the relay no longer knows", (t) =>
  visit(t, async (page, relay) => {
    await live(page);
    relay.state = "gone";
    relay.cut();
    await screen(page, "gone");
    assert.match(await page.textContent("h1"), /Open the visit again/);
    const asked = relay.asked.length;
    relay.state = "up";
    await page.click("#again");
    await screen(page, "place");
    assert.ok(relay.asked.length > asked);
  }));

test("no relay at first: says so, and goes on when it comes", (t) =>
  visit(
    t,
    async (page, relay) => {
      await page.waitForSelector("text=We cannot reach your clinic right now.");
      relay.state = "up";
      await screen(page, "place");
    },
    (relay) => (relay.state = "down"),
  ));

test("what ships: under 60 KB of script, no scenarios, no source of anybody else", () => {
  const scripts = [...files].filter(([name]) => name.endsWith(".js"));
  const kilobytes = scripts.reduce((sum, [, code]) => sum + gzipSync(code).length, 0) / 1024;
  assert.ok(kilobytes < 60, `${kilobytes.toFixed(1)} KB`);
  for (const [name, code] of scripts) assert.doesNotMatch(String(code), /Northside|moveTo|waiting-not-told/, name);
  assert.doesNotMatch(String(files.get("index.html")), /https?:\/\//);
});
