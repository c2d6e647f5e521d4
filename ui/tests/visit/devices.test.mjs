// The device test in a real Chromium: the meter moves, the preview is mirrored, a refusal gets plain help and a way on,
// and the camera is let go when the clinician comes.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { accessible, launch, open, screen, shot, stage } from "./browser.mjs";
import { built, serve } from "./pages.mjs";

let server;
before(async () => (server = await serve(await built("visit-fake"))));
after(() => server?.close());

/** Runs `live` on a page of a browser of its own, at the device step. */
async function testing(t, browserOptions, pageOptions, live) {
  const browser = await launch(browserOptions);
  t.after(() => browser.close());
  const page = await open(browser, `${server.page}?scenario=can-be-ready`, pageOptions);
  await page.click("#start");
  await screen(page, "devices");
  await live(page);
}

const throughTest = async (page) => {
  for (const press of ["#continue", "#play-sound", "#heard-yes", "#checked"]) await page.click(press);
};

/** Counts what the page asks for and gives back, from before its first script. */
const watchTracks = () => {
  globalThis.tracks = [];
  const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    const stream = await real(wanted);
    globalThis.tracks.push(...stream.getTracks());
    return stream;
  };
};

test("the preview is mirrored, the meter moves, and the page says that it hears", (t) =>
  testing(t, {}, {}, async (page) => {
    await page.click("#allow-devices");
    await page.waitForFunction(() => document.querySelector("#preview")?.videoWidth > 0);
    const mirrored = await page.$eval("#preview", (video) => getComputedStyle(video).transform);
    assert.match(mirrored, /^matrix\(-1, 0, 0, 1/);
    const level = () => page.$eval("#meter", (meter) => Number(meter.getAttribute("aria-valuenow")));
    const seen = new Set();
    await page.waitForSelector("#meter");
    await page.exposeFunction("sawLevel", (value) => seen.add(value));
    await page.evaluate(() => {
      const meter = document.querySelector("#meter");
      new MutationObserver(() => globalThis.sawLevel(meter.getAttribute("aria-valuenow"))).observe(meter, { attributeFilter: ["aria-valuenow"] });
    });
    await page.waitForSelector('#hear-you[data-heard="true"]');
    assert.match(await page.textContent("#hear-you"), /We can hear you\./);
    assert.ok(seen.size >= 2, `levels seen: ${[...seen]}`);
    assert.ok((await level()) <= 100);
    assert.ok(await page.getAttribute("#meter", "aria-valuetext"));
    await page.click("#continue");
    await screen(page, "speaker");
  }));

test("blocked: plain help for this browser, try again, and a way on without a camera", (t) =>
  testing(t, { allow: false }, { permissions: [] }, async (page) => {
    await page.context().grantPermissions([]);
    await page.click("#allow-devices");
    await page.waitForSelector('[role="alert"]:has-text("blocked")');
    assert.match(await page.textContent('[role="alert"]'), /Your camera is blocked\./);
    assert.match(await page.textContent('[role="alert"]'), /camera in the address bar, choose Allow/);
    assert.equal(await page.textContent("#allow-devices").then((text) => text.trim()), "Try again");
    await accessible(page, "blocked");
    await shot(page, "blocked-phone-light");
    await page.emulateMedia({ colorScheme: "dark" });
    await accessible(page, "blocked, dark");
    await shot(page, "blocked-phone-dark");
    // The patient follows the help: now it works, without a reload.
    await page.context().grantPermissions(["camera", "microphone"]);
    await page.click("#allow-devices");
    await page.waitForSelector("#continue");
  }));

test("only the camera is blocked: goes on with the microphone and says so", (t) =>
  testing(t, { allow: false }, {}, async (page) => {
    await page.context().grantPermissions(["microphone"]);
    await page.click("#allow-devices");
    await page.waitForSelector("#meter");
    assert.equal(await page.locator("#preview").count(), 0);
    await shot(page, "sound-only-phone-light");
    await accessible(page, "sound only");
  }));

test("no camera and no microphone at all: says so, and can go on", (t) =>
  testing(t, { devices: false }, {}, async (page) => {
    await page.click("#allow-devices");
    await page.waitForSelector('[role="alert"]:has-text("We found no camera.")');
    await page.click("#skip-devices");
    await page.click("#skip-sound");
    await screen(page, "checked");
    assert.equal(await page.getAttribute("#found-camera", "data-result"), "missing");
    assert.match(await page.textContent("#verdict"), /You can go on/);
    assert.match(await page.textContent("#found-microphone"), /We found no microphone/);
    await shot(page, "checked-missing-phone-light");
    await page.click("#checked");
    await screen(page, "ready");
  }));

test("the camera is let go when the clinician comes, and a reload keeps the step and no identifier", async (t) => {
  const browser = await launch();
  t.after(() => browser.close());
  const page = await open(browser, "about:blank");
  await page.addInitScript(watchTracks);
  await page.goto(`${server.page}?scenario=can-be-ready`);
  await page.click("#start");
  await page.click("#allow-devices");
  await throughTest(page);
  await screen(page, "ready");

  await page.reload();
  await screen(page, "ready");
  const kept = await page.evaluate(() => Object.entries(sessionStorage));
  assert.equal(kept.length, 1);
  const remembered = JSON.parse(kept[0][1]);
  assert.equal(remembered.step, "ready");
  assert.deepEqual(Object.keys(remembered).filter((key) => !["step", "camera", "microphone"].includes(key)), []);
  assert.equal(await page.evaluate(() => localStorage.length), 0);

  // Allowed before: the second test needs no second press.
  await page.click("#test-again");
  await throughTest(page);
  await page.click("#ready");
  await screen(page, "waiting");
  assert.ok(await page.evaluate(() => globalThis.tracks.some((track) => track.readyState === "live")));
  await page.evaluate(() => globalThis.moveTo("called"));
  await stage(page, "called");
  await page.waitForFunction(() => globalThis.tracks.every((track) => track.readyState === "ended"));
});
