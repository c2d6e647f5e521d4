// The companion's window in a real browser, on every scenario: drawn, nothing for axe-core to find in light and dark,
// nothing wider than the window, no name in the title; and the paths of a hand on the keyboard.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { build } from "vite";
import { axeFindings, browser, openedOn, serve, shot } from "./browser.mjs";

const scenarios = [
  "signed-out", "signing-in", "signed-out-launch", "empty", "idle", "waiting", "waiting-unproven", "opened", "in-visit", "second-patient",
  "closing", "error", "signed-out-error", "covering", "launching", "keychain", "keychain-missing", "memory-only",
  "offline", "reconnecting", "not-yet-known", "delegate", "busy-day", "people", "still-in", "several-wait", "ended", "agenda", "offered",
  "muted", "pending", "colleague", "help", "pressed-outside",
  "ended-idle", "ended-another", "ended-not-the-same", "ended-locked", "signed-out-unsent", "first-link",
  "first-link-shared", "first-link-nameless",
];

let site, chromium;

before(async () => {
  site = await serve("companion-fake");
  chromium = await browser();
});
after(async () => {
  await chromium.close();
  site.stop();
});

const opened = (scenario, more) => openedOn(chromium, site.url, scenario, more);

for (const scheme of ["light", "dark"]) {
  describe(scheme, () => {
    for (const scenario of scenarios) {
      test(scenario, async () => {
        const { page, done } = await opened(scenario, { scheme });
        await shot(page, `companion-${scenario}-${scheme}`);
        assert.deepEqual(await axeFindings(page), []);
        assert.equal(await page.title(), "Roomed");
        assert.ok((await page.evaluate(() => window.calls)).includes("page_ready"));
        await page.setViewportSize({ width: 360, height: 640 });
        assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= 360), "wider than 360 px");
        await done();
      });
    }
  });
}

describe("by keyboard", () => {
  /** Presses Tab until the element with this id has the focus; fails after as many stops as a person would bear. */
  async function tabTo(page, id, most = 12) {
    for (let stop = 0; stop < most; stop++) {
      await page.keyboard.press("Tab");
      const here = await page.evaluate(() => {
        const element = document.activeElement;
        return { id: element?.id, seen: element !== document.body && getComputedStyle(element).outlineStyle !== "none" };
      });
      assert.ok(here.seen, `no visible focus at ${here.id}`);
      if (here.id === id) return stop + 1;
    }
    assert.fail(`#${id} is not within ${most} stops`);
  }

  test("an alert is acknowledged and the visit joined", async () => {
    const { page, done } = await opened("waiting");
    await tabTo(page, "acknowledge");
    await page.keyboard.press("Enter");
    await page.waitForSelector("#alert", { state: "detached" });
    await tabTo(page, "join");
    await page.keyboard.press("Enter");
    await page.waitForSelector("#end-visit");
    assert.deepEqual((await page.evaluate(() => window.calls)).slice(1), ["acknowledge v1", "join v1"]);
    await done();
  });

  test("Join is at most five stops from a fresh window", async () => {
    const { page, done } = await opened("waiting");
    assert.ok((await tabTo(page, "join")) <= 5);
    await done();
  });

  test("Is this you in both? both names, No is as near as Yes, and a shared computer asks Microsoft", async () => {
    const { page, done } = await opened("first-link");
    assert.match(await page.locator("#first-link").innerText(), /as Maya Okafor\.[^]*for Lindqvist, Jonas, MD\./);
    assert.equal(await page.evaluate(() => document.activeElement.id), "first-link-title");
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.id), "first-link-yes");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.waitForSelector("[data-ended='not-the-same']");
    assert.deepEqual((await page.evaluate(() => window.calls)).slice(1), ["same_person 1 false"]);
    await done();
    const shared = await opened("first-link-shared");
    const question = shared.page.locator("#first-link");
    assert.match(await question.innerText(), /does not say whose name[^]*sign in to Microsoft once more/);
    await shared.page.locator("#first-link-yes").press("Enter");
    await shared.page.waitForSelector("[data-asking='2']");
    assert.equal(await shared.page.locator("#first-link-yes").innerText(), "Open the browser again");
    assert.equal(await shared.page.locator("#first-link-no").count(), 1);
    // Whoever does not see the window hears what to do from where the focus is.
    const heard = await shared.page.evaluate(() => {
      const here = document.activeElement;
      return [here.id, document.getElementById(here.getAttribute("aria-describedby"))?.innerText.split("\n")[0]];
    });
    assert.deepEqual(heard, ["first-link-title", "Finish in your browser. This window goes on by itself."]);
    await shared.done();
  });

  test("Is this you in both? what it is about is read out with the question and with Yes, and nothing empty is announced", async () => {
    for (const scenario of ["first-link", "first-link-shared", "first-link-nameless"]) {
      const { page, done } = await opened(scenario);
      for (const id of ["first-link-title", "first-link-yes"]) {
        assert.equal(await page.locator(`#${id}`).getAttribute("aria-describedby"), "first-link-what", `${scenario} ${id}`);
      }
      const silent = await page.locator("#first-link").locator("[role=status], [aria-live]").allInnerTexts();
      assert.deepEqual(silent.filter((text) => text.trim() === ""), [], scenario);
      await done();
    }
    const { page, done } = await opened("first-link-nameless");
    assert.match(await page.locator("#first-link").innerText(), /with this Microsoft account, which/);
    await done();
  });

  test("Is this you in both? two clicks at once are one yes, and none to what comes next", async () => {
    const { page, done } = await opened("first-link-shared");
    const click = (detail) => page.locator("#first-link-yes").dispatchEvent("click", { detail });
    await click(1);
    await page.waitForSelector("[data-asking='2']");
    // It comes when the next question stands where the first one was.
    await click(2);
    assert.deepEqual((await page.evaluate(() => window.calls)).slice(1), ["same_person 1 true"]);
    await click(1);
    assert.deepEqual((await page.evaluate(() => window.calls)).slice(1), ["same_person 1 true", "same_person 2 true"]);
    await done();
  });

  test("what was not sent is said whoever ended the sign-in, and nothing else of it", async () => {
    for (const [scenario, count] of [["signed-out-unsent", /One thing [^]* was not sent/], ["ended-locked", /2 things [^]* were not sent/]]) {
      const { page, done } = await opened(scenario);
      assert.match(await page.locator("[data-note='unsent']").innerText(), count);
      await done();
    }
  });

  test("the rest of the day is told by time and role", async () => {
    const { page, done } = await opened("agenda");
    const rows = await page.locator("#agenda li").allInnerTexts();
    assert.deepEqual(rows.map((row) => row.replace(/\s+/g, " ").replace(/^[\d:]+ (?:[AP]M )?/, "").trim()), ["Group Planned", "Colleague Cancelled"]);
    await done();
  });

  test("before a proven launch there is Open and the way through the chart, and no Join", async () => {
    const { page, done } = await opened("waiting-unproven");
    assert.equal(await page.locator("#join").count(), 0);
    assert.match(await page.locator("main").innerText(), /Begin the visit from the chart/);
    await tabTo(page, "open-visit");
    await page.keyboard.press("Enter");
    await page.waitForSelector("#close-visit");
    assert.equal(await page.locator("#patient-name").count(), 0);
    await page.locator("#close-visit").press("Enter");
    await page.waitForSelector("#open-visit");
    assert.equal(await page.evaluate(() => document.activeElement.id), "open-visit", "back where the visit is");
    await done();
  });

  test("End for all names who is inside, keeps the focus, and Escape gives it back", async () => {
    const { page, done } = await opened("in-visit");
    await tabTo(page, "end-visit");
    await page.keyboard.press("Enter");
    assert.match(await page.locator("dialog[open]").innerText(), /The patient, you and an unknown guest are inside/);
    assert.equal(await page.evaluate(() => document.activeElement.id), "keep-visit");
    assert.deepEqual(await axeFindings(page), []);
    await shot(page, "companion-end-light");
    for (let stop = 0; stop < 6; stop++) {
      await page.keyboard.press("Tab");
      assert.ok(await page.evaluate(() => document.activeElement === document.body || document.activeElement.closest("dialog")));
    }
    await page.keyboard.press("Escape");
    assert.equal(await page.evaluate(() => document.activeElement.id), "end-visit");
    await page.keyboard.press("Enter");
    await page.locator("#confirm-end").press("Enter");
    await page.waitForSelector("#end-visit", { state: "detached" });
    assert.match(await page.locator("main").innerText(), /Still inside: the patient, you and an unknown guest/);
    await done();
  });

  test("End for all says whether people are removed or asked, and who could change that", async () => {
    for (const [scenario, says, not, closing] of [
      ["in-visit", /asked to leave/, /removed from the meeting|admin/, /Still inside/],
      ["removes", /everybody is removed from the meeting, you too/, /asked to leave/, /Being removed/],
      ["not-removed", /asked to leave[^]*Calls\.JoinGroupCall\.All\. Your Microsoft 365 admin/, /removed from the meeting,/, /admin can fix this/],
    ]) {
      const { page, done } = await opened(scenario);
      await page.locator("#end-visit").press("Enter");
      const words = await page.locator("dialog[open]").innerText();
      assert.match(words, says, scenario);
      assert.doesNotMatch(words, not, scenario);
      assert.deepEqual(await axeFindings(page), []);
      await shot(page, `companion-end-${scenario}`);
      await page.locator("#confirm-end").press("Enter");
      await page.waitForSelector("#end-visit", { state: "detached" });
      assert.match(await page.locator("main").innerText(), closing, scenario);
      await done();
    }
  });

  test("a visit that the EHR calls cancelled while people talk says so, and who can help", async () => {
    for (const [scenario, says] of [["called-off", true], ["in-visit", false]]) {
      const { page, done } = await opened(scenario);
      const note = page.locator("[data-note='called-off']");
      assert.equal(await note.count(), says ? 1 : 0, scenario);
      if (says) {
        assert.match(await note.innerText(), /visit goes on[^]*front desk can book it again/);
        assert.equal(await page.locator("#end-visit").count(), 1, "it can still be ended");
        assert.deepEqual(await axeFindings(page), []);
        await shot(page, "companion-called-off");
      }
      await done();
    }
  });

  test("the sound is off with one press, the settings close with Escape", async () => {
    const { page, done } = await opened("waiting");
    await page.locator("#mute").press("Enter");
    await page.waitForSelector("#mute[aria-pressed='true']");
    await page.locator(".initials").press("Enter");
    assert.ok(!(await page.locator("#sound").isChecked()));
    assert.deepEqual(await axeFindings(page), []);
    await shot(page, "companion-settings-light");
    await page.keyboard.press("Escape");
    assert.equal(await page.locator("#settings").count(), 0);
    await done();
  });

  test("a covering question and an error are answered", async () => {
    const question = await opened("covering");
    await tabTo(question.page, "cover-yes");
    await question.page.keyboard.press("Enter");
    await question.page.waitForSelector("#covering", { state: "detached" });
    assert.ok((await question.page.evaluate(() => window.calls)).includes("cover true"));
    await question.done();

    const error = await opened("error");
    assert.equal(await error.page.locator("#problem").getAttribute("data-code"), "not-virtual");
    await tabTo(error.page, "dismiss-problem");
    await error.page.keyboard.press("Enter");
    await error.page.waitForSelector("#problem", { state: "detached" });
    await error.done();
  });
});

describe("as people need it", () => {
  test("wider windows, forced colours and large text", async () => {
    const wide = await opened("in-visit", { width: 900 });
    await shot(wide.page, "companion-in-visit-wide");
    await wide.done();

    const forced = await opened("busy-day", { forcedColors: "active" });
    assert.deepEqual(await axeFindings(forced.page), []);
    await shot(forced.page, "companion-busy-day-forced");
    await forced.done();

    // 480 px at 150 % (WCAG 2.2, 1.4.10 asks for 320): nothing is cut off, nothing hides behind an ellipsis.
    for (const scenario of ["busy-day", "in-visit", "offline", "error", "delegate", "people", "pending"]) {
      const narrow = await opened(scenario, { width: 320, height: 640, deviceScaleFactor: 1.5 });
      const cut = await narrow.page.evaluate(() =>
        [...document.querySelectorAll("main *, #alert *")]
          .filter((one) => one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 1)
          .map((one) => one.outerHTML.slice(0, 120)),
      );
      assert.deepEqual(cut, [], scenario);
      await shot(narrow.page, `companion-${scenario}-320`);
      await narrow.done();
    }
  });

  test("the wait clock runs on the relay's time and changes its shape and word at the thresholds", async () => {
    const { page, done } = await opened("waiting");
    const clock = page.locator("[data-level]").first();
    assert.match(await clock.innerText(), /04:0\d/);
    await page.clock.runFor("01:00");
    await page.waitForSelector(".large[data-level='long']");
    await page.clock.runFor("07:00");
    await page.waitForSelector(".large[data-level='too-long']");
    assert.match(await clock.innerText(), /12 min/);
    await done();
  });
});

test("what ships holds no scenario and speaks only to Tauri", async () => {
  const configFile = new URL("../../vite.config.ts", import.meta.url).pathname;
  const { output } = await build({ configFile, mode: "companion", logLevel: "error", build: { write: false } });
  const code = output.map((file) => (file.type === "chunk" ? file.code : "")).join("\n");
  assert.match(code, /page_ready/);
  assert.doesNotMatch(code, /busy-day|Northside|Lopez|scenario/);
});
