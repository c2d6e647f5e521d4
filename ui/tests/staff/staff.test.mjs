// The staff page on its in-page backend: what stands on top, what can be pressed, filters that survive a reload, by keyboard
// and for a screen reader, axe in light and dark, two sizes, and a picture of each.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { accessible, desktop, fits, launch, open, shot } from "../visit/browser.mjs";
import { built, serve } from "../visit/pages.mjs";

const narrow = { width: 390, height: 844 };
let browser, server;
before(async () => {
  server = await serve(await built("staff-fake"), { folder: "staff" });
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await server?.close();
});

async function staff(t, scenario, live, more = {}) {
  const page = await open(browser, `${server.page}?scenario=${scenario}`, { viewport: desktop, ...more });
  t.after(() => page.context().close());
  await page.waitForSelector('html[data-ready="1"]', { state: "attached" });
  await live(page);
  assert.deepEqual(page.troubles, []);
}
const asked = (page) => page.evaluate(() => globalThis.asked);
const ids = (page, where = "") => page.$$eval(`${where} li[data-visit]`, (rows) => rows.map((row) => row.dataset.visit));

// name, scenario, the way there
const none = async () => undefined;
const scenes = [
  ["morning", "morning", none],
  ["by-clinician", "morning&group=clinician", none],
  ["over", "morning&show=all", (page) => page.click("#over summary")],
  ["message", "morning", (page) => page.click('[data-visit="in-visit"] [data-act="say"]')],
  ["late", "morning", (page) => page.click('[data-act="late-all"]')],
  ["onlooker", "onlooker", none],
  ["offline", "offline", (page) => page.click('[data-visit="ready"] [data-act="room"]')],
  ["quiet", "quiet", none],
  ["nothing-passes", "morning&clinician=00000000", none],
  ["signed-out", "signed-out&o=northside", none],
  ["no-role", "no-role", none],
];
for (const [name, scenario, way] of scenes) {
  test(name, (t) =>
    staff(t, scenario, async (page) => {
      await way(page);
      for (const colorScheme of ["light", "dark"]) {
        await page.emulateMedia({ colorScheme });
        for (const [size, viewport] of Object.entries({ desktop, narrow })) {
          await page.setViewportSize(viewport);
          await fits(page, `${name}, ${size}`);
          await shot(page, `${name}-${size}-${colorScheme}`, "staff");
          await accessible(page, `${name}, ${size}, ${colorScheme}`);
        }
      }
    }),
  );
}

test("what wants somebody stands on top, says why, and the title counts it", (t) =>
  staff(t, "morning", async (page) => {
    assert.deepEqual(await ids(page, "#wanting"), ["help", "unlinked", "unanswered"]);
    assert.equal(await page.title(), "(3) Staff · Roomed");
    assert.match(await page.textContent('[data-visit="unlinked"]'), /has not linked Roomed\. Call them\./);
    assert.match(await page.textContent('[data-visit="help"]'), /Microphone missing, Connection weak/);
  }));

test("a long wait is a figure, a shape and a word, by the organization's thresholds", (t) =>
  staff(t, "morning", async (page) => {
    const level = (id) => page.getAttribute(`[data-visit="${id}"] [data-level]`, "data-level");
    assert.deepEqual([await level("help"), await level("unanswered"), await level("unlinked")], ["neutral", "long", "too-long"]);
    assert.match(await page.textContent('[data-visit="unlinked"] [data-level]'), /14 min\s*· too long/);
    const shape = (id) => page.$eval(`[data-visit="${id}"] [data-level] path`, (path) => path.getAttribute("d"));
    assert.notEqual(await shape("unlinked"), await shape("unanswered"));
  }));

test("roomed, help taken on, a message to one, running late for one and for all that are shown", (t) =>
  staff(t, "morning", async (page) => {
    await page.click('[data-visit="ready"] [data-act="room"]');
    await page.waitForSelector('[data-visit="ready"]:has-text("Patient ready, roomed")');
    await page.click('[data-visit="help"] [data-act="help"]');
    await page.waitForSelector('#wanting:not(:has([data-visit="help"]))');

    await page.click('[data-visit="in-visit"] [data-act="say"]');
    await page.check('input[value="interpreter"]');
    await page.check('input[value="check-sound"]');
    await page.click("dialog[open] [data-act='send']");
    await page.waitForSelector('[data-visit="in-visit"]:has-text("Please check your sound")');
    assert.equal(await page.locator("dialog[open]").count(), 0);

    await page.click('[data-visit="later"] [data-act="late"]');
    await page.check('dialog[open] input[value="20"]');
    await page.click("dialog[open] [data-act='send']");
    await page.waitForSelector('[data-visit="later"]:has-text("Late until")');

    await page.selectOption("#department", "10");
    await page.selectOption("#show", "open");
    await page.click('[data-act="late-all"]');
    await page.click("dialog[open] [data-act='send']");
    await page.waitForSelector('[data-visit="ready"]:has-text("Late until")');
    assert.deepEqual(await asked(page), [
      ["room", "ready"],
      ["help", "help"],
      ["say", "in-visit", { preset: "check-sound", to: "interpreter" }],
      ["late", { visits: ["later"], minutes: 20 }],
      ["late", { visits: ["ready"], minutes: 10 }],
    ]);
  }));

test("who may only look has nothing to press", (t) =>
  staff(t, "onlooker", async (page) => {
    assert.ok((await ids(page)).length > 5);
    assert.equal(await page.locator("[data-act]").count(), 0);
  }));

test("filters stand in the address without a name, and survive a reload and the way back", (t) =>
  staff(t, "morning", async (page) => {
    await page.selectOption("#clinician", { label: "Dr. Okafor" });
    await page.selectOption("#show", "waiting");
    assert.deepEqual(await ids(page), ["unlinked", "ready"]);
    assert.doesNotMatch(page.url(), /okafor/i);
    await page.reload();
    await page.waitForSelector('html[data-ready="1"]', { state: "attached" });
    assert.deepEqual(await ids(page), ["unlinked", "ready"]);
    assert.equal(await page.$eval("#clinician", (list) => list.selectedOptions[0].text), "Dr. Okafor");
    await page.selectOption("#show", "wanting");
    await page.selectOption("#department", "20");
    await page.click("#clear");
    assert.ok((await ids(page)).length > 5);
    assert.equal(new URL(page.url()).search, "?scenario=morning");
  }));

test("a new arrival is said, the focus stays where it was, and nothing is said at first", (t) =>
  staff(t, "morning", async (page) => {
    assert.equal(await page.textContent("#heard"), "");
    await page.focus('[data-visit="ready"] [data-act="say"]');
    await page.evaluate(() => globalThis.moveTo("one-more"));
    await page.waitForFunction(() => /^Patient ready, \d\d:\d\d, Dr\. Okafor$/.test(document.querySelector("#heard").textContent));
    assert.equal(await page.evaluate(() => document.activeElement.closest("li").dataset.visit), "ready");
  }));

test("by keyboard alone: a message is chosen and sent, and the focus comes back", (t) =>
  staff(t, "morning&show=waiting&department=10", async (page) => {
    await page.focus("#group");
    // Past *all running late*, *roomed*, then *message*, whatever stands on top.
    for (let presses = 0; presses < 12; presses += 1) {
      await page.keyboard.press("Tab");
      if (await page.evaluate(() => document.activeElement.dataset.act === "say")) break;
    }
    const visit = await page.evaluate(() => document.activeElement.closest("li").dataset.visit);
    await page.keyboard.press("Enter");
    await page.waitForSelector("dialog[open]");
    await page.keyboard.press("ArrowDown");
    for (let presses = 0; presses < 6; presses += 1) {
      await page.keyboard.press("Tab");
      if (await page.evaluate(() => document.activeElement.dataset.act === "send")) break;
    }
    await page.keyboard.press("Enter");
    await page.waitForSelector("dialog:not([open])", { state: "attached" });
    assert.deepEqual((await asked(page)).map(([what, which]) => [what, which]), [["say", visit]]);
    assert.equal(await page.evaluate(() => document.activeElement.dataset.act), "say");
  }));

test("a press that does not arrive is said, and loses nothing", (t) =>
  staff(t, "offline", async (page) => {
    await page.click('[data-visit="ready"] [data-act="room"]');
    await page.waitForSelector('#problem:has-text("did not reach Roomed")');
    assert.equal(await page.locator('[data-visit="ready"] [data-act="room"]').count(), 1);
  }));

test("no patient can be named: what the page shows of people is roles and clinicians", (t) =>
  staff(t, "morning&show=all", async (page) => {
    await page.click("#over summary");
    const text = await page.textContent("main");
    const names = [...text.matchAll(/Dr\. ([A-Z][a-z]+)/g)].map(([, name]) => name);
    assert.deepEqual([...new Set(names)].sort(), ["Lindqvist", "Okafor", "Rivera"]);
    assert.doesNotMatch(await page.title(), /Rivera|Okafor|Lindqvist/);
  }));
