// What staff and patients say to each other without typing, two devices, leaving, and devices that stop: on a real socket.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, open, screen, stage } from "./browser.mjs";
import { built } from "./pages.mjs";
import { FakeRelay } from "./relay.mjs";
import { until } from "./wait.mjs";

let browser, files;
before(async () => {
  files = await built("visit");
  browser = await launch();
});
after(() => browser?.close());

async function visit(t, live, begin = () => undefined, path = "") {
  const relay = await FakeRelay.start(files);
  begin(relay);
  const page = await open(browser, relay.page.replace(/\/v\/$/, path || "/v/"));
  t.after(async () => {
    await page.context().close();
    await relay.close();
  });
  await live(page, relay);
}

const waitingNow = (relay) => (relay.stage = { stage: "waiting", since: new Date().toISOString(), told: "clinician" });
const live = (page) => page.waitForSelector('html[data-connection="live"]', { state: "attached" });
const throughTest = async (page) => {
  for (const press of ["#allow-devices", "#continue", "#play-sound", "#heard-yes", "#checked"]) await page.click(press);
};

test("a message while nobody looks: the title says so, and one press answers it", (t) =>
  visit(
    t,
    async (page, relay) => {
      await screen(page, "waiting");
      await live(page);
      await page.evaluate(() => Object.defineProperty(document, "hidden", { configurable: true, get: () => true }));
      relay.more.messages = [{ id: "m1", at: relay.view().now, preset: "running-late", minutes: 10, answers: ["can-wait", "cannot-wait"] }];
      relay.move(relay.stage);
      await page.waitForSelector('[data-message="running-late"]:has-text("about 10 minutes")');
      assert.equal(await page.title(), "A message from your clinic");
      await page.evaluate(() => {
        Object.defineProperty(document, "hidden", { configurable: true, get: () => false });
        document.dispatchEvent(new Event("visibilitychange"));
      });
      await page.waitForFunction(() => document.title === "Your video visit");
      await page.click('[data-answer="cannot-wait"]');
      await page.waitForSelector("text=You answered: I can’t wait");
      assert.deepEqual(relay.bodies.answer, [{ message: "m1", answer: "cannot-wait" }]);
      assert.equal(await page.locator("[data-answer]").count(), 0);
    },
    waitingNow,
  ));

test("help is asked for once, and one that does not arrive is said", (t) =>
  visit(
    t,
    async (page, relay) => {
      await screen(page, "waiting");
      await live(page);
      relay.down();
      await page.click("#help");
      await page.waitForSelector('[role="alert"]:has-text("did not reach your clinic")');
      relay.state = "up";
      await live(page);
      await page.click("#help");
      await page.waitForSelector('#helped:has-text("knows that you need help")');
      assert.equal(relay.bodies.help.length, 1);
      assert.equal(await page.locator("#help").count(), 0);
    },
    waitingNow,
  ));

test("leaving asks first, is told, and one can come back", (t) =>
  visit(
    t,
    async (page, relay) => {
      await screen(page, "waiting");
      await page.click("#leave");
      await page.click("#stay");
      assert.equal(relay.bodies.leave, undefined);
      await page.click("#leave");
      await page.click("#confirm-leave");
      await screen(page, "left");
      assert.equal(relay.bodies.leave.length, 1);
      await page.reload();
      await screen(page, "left");
      await page.click("#come-back");
      await page.click("#ready");
      await stage(page, "waiting");
    },
    waitingNow,
  ));

test("another device takes the place: said, the camera let go, nothing opened, and one press brings it back", (t) =>
  visit(
    t,
    async (page, relay) => {
      await screen(page, "waiting");
      await live(page);
      relay.moveElsewhere();
      await screen(page, "another-device");
      assert.match(await page.textContent("h1"), /open on another device/);
      relay.down();
      await page.click("#take-over");
      await page.waitForSelector('[role="alert"]:has-text("did not work just now")');
      relay.state = "up";
      await live(page);
      await page.click("#take-over");
      await screen(page, "waiting");
      assert.equal(relay.bodies["take-over"].length, 1);
      assert.equal(relay.count("POST /v/api/handed-over"), 0);
    },
    waitingNow,
  ));

test("a camera that stops while waiting is said, told, and comes back when it is plugged in", (t) =>
  visit(t, async (page, relay) => {
    await page.evaluate(() => {
      const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
      navigator.mediaDevices.getUserMedia = async (wanted) => (globalThis.stream = await real(wanted));
    });
    await page.click("#start");
    await throughTest(page);
    await page.click("#ready");
    await screen(page, "waiting");
    await until("a camera that works", () => relay.bodies.devices?.at(-1).camera === "good");
    // What a browser does when a device goes (Media Capture and Streams §4.3.1): the track ends by itself.
    await page.evaluate(() => globalThis.stream.getVideoTracks()[0].dispatchEvent(new Event("ended")));
    await page.waitForSelector('#device-trouble:has-text("Your camera has stopped.")');
    await until("the report", () => relay.bodies.devices.at(-1).camera === "missing");
    assert.equal(await page.evaluate(() => document.documentElement.dataset.stage), "waiting");
    await page.evaluate(() => navigator.mediaDevices.dispatchEvent(new Event("devicechange")));
    await page.waitForSelector("#preview");
    await until("the report of its return", () => relay.bodies.devices.at(-1).camera === "good");
  }));

test("a slow line is weak, a dead probe is failed, and neither stops anybody", (t) =>
  visit(
    t,
    async (page, relay) => {
      await page.click("#start");
      await page.click("#skip-devices");
      await page.click("#skip-sound");
      await page.waitForSelector('#found-connection[data-result="weak"]');
      assert.match(await page.textContent("#found-connection"), /Your internet is slow/);
      relay.line = undefined;
      await page.click("#check-again");
      await page.click("#skip-devices");
      await page.click("#skip-sound");
      await page.waitForSelector('#found-connection[data-result="failed"]');
      assert.match(await page.textContent("#found-connection"), /did not get through/);
      await page.click("#checked");
      await screen(page, "ready");
      await until("both told", () => relay.bodies.devices?.at(-1).connection === "failed");
    },
    (relay) => (relay.line = 600),
  ));

test("a report that does not get through is said again", (t) =>
  visit(t, async (page, relay) => {
    await live(page);
    await page.click("#start");
    await page.click("#skip-devices");
    relay.down();
    await page.click("#play-sound");
    await page.click("#heard-yes");
    await screen(page, "checked");
    await page.waitForSelector('#found-connection:not([data-result="probing"])');
    assert.equal(relay.bodies.devices?.some((report) => report.speaker === "good") ?? false, false);
    relay.state = "up";
    await until("the report", () => relay.bodies.devices?.at(-1).speaker === "good");
  }));

test("the test without a visit asks the relay for nothing but its probe", (t) =>
  visit(
    t,
    async (page, relay) => {
      await screen(page, "practice");
      assert.match(await page.textContent("main"), /does not tell your clinic/);
      await page.click("#start");
      await throughTest(page);
      await screen(page, "practised");
      assert.deepEqual([...new Set(relay.asked)].sort(), ["GET /v/api/probe", "POST /v/api/probe"]);
      assert.equal(await page.evaluate(() => sessionStorage.length + localStorage.length), 0);
      assert.equal(await page.title(), "Camera and sound test");
      assert.deepEqual(page.troubles, []);
    },
    undefined,
    "/o/northside/test",
  ));
