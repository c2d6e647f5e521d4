// What a phone that lies on the table does: two notes and a buzz when somebody is called, and a screen that stays on while
// they wait and no longer. The page's own sound and the browser's wake lock are listened to from outside.
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

/** Writes down what the page does with sound and screen, before any script of the page runs. */
function listen() {
  globalThis.heard = { notes: [], buzzes: 0, locks: 0, released: 0 };
  const start = OscillatorNode.prototype.start;
  OscillatorNode.prototype.start = function (when) {
    globalThis.heard.notes.push(Math.round(this.frequency.value));
    return start.call(this, when);
  };
  navigator.vibrate = () => Boolean(++globalThis.heard.buzzes);
  Object.defineProperty(navigator, "wakeLock", {
    value: {
      request: async () => {
        globalThis.heard.locks += 1;
        const lock = new EventTarget();
        lock.release = async () => {
          globalThis.heard.released += 1;
          lock.dispatchEvent(new Event("release"));
        };
        return lock;
      },
    },
  });
}

test("the sound of the device test is heard", async (t) => {
  const relay = await FakeRelay.start(files);
  const page = await open(browser, "about:blank");
  t.after(async () => {
    await page.context().close();
    await relay.close();
  });
  await page.addInitScript(listen);
  await page.goto(relay.page);
  for (const button of ["#start", "#skip-devices", "#play-sound"]) await page.click(button);
  await page.waitForSelector("#heard-yes");
  assert.deepEqual(await page.evaluate(() => globalThis.heard.notes), [587, 784]);
});

test("whoever waits is called by two notes and a buzz, on a screen that has stayed on", async (t) => {
  const relay = await FakeRelay.start(files);
  const page = await open(browser, "about:blank");
  t.after(async () => {
    await page.context().close();
    await relay.close();
  });
  await page.addInitScript(listen);
  await page.goto(relay.page);
  for (const button of ["#start", "#skip-devices", "#skip-sound", "#checked"]) await page.click(button);
  await screen(page, "ready");
  const heard = () => page.evaluate(() => globalThis.heard);
  assert.deepEqual(await heard(), { notes: [], buzzes: 0, locks: 0, released: 0 }, "nothing before anybody waits");
  await page.click("#ready");
  await stage(page, "waiting");
  await until("the screen is kept on", async () => (await heard()).locks === 1);
  assert.deepEqual((await heard()).notes, []);

  relay.move({ stage: "called", join_url: relay.meeting });
  await screen(page, "called");
  await until("two notes", async () => (await heard()).notes.length === 2);
  const { notes, buzzes, released } = await heard();
  assert.deepEqual({ notes, buzzes, released }, { notes: [587, 784], buzzes: 1, released: 0 });
  await page.click("#hold");
  // The same again is no second call.
  relay.move({ stage: "called", join_url: relay.meeting });
  relay.move({ stage: "ended" });
  await screen(page, "ended");
  await until("the screen may go dark", async () => (await heard()).released === 1);
  assert.equal((await heard()).notes.length, 2);
});
