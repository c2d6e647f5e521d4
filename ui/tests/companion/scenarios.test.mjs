// The companion's window in a real browser, on every scenario: drawn, nothing for axe-core to find in light and dark,
// nothing wider than the window, no name in the title; and the paths of a hand on the keyboard.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { build } from "vite";
import { axeFindings, browser, open, serve, shot } from "./browser.mjs";

const scenarios = [
  "signed-out", "signing-in", "signed-out-launch", "empty", "idle", "waiting", "waiting-unproven", "opened", "in-visit", "second-patient",
  "closing", "error", "signed-out-error", "covering", "launching", "keychain", "keychain-missing", "memory-only",
  "offline", "reconnecting", "not-yet-known", "delegate", "busy-day", "people", "still-in", "several-wait", "ended", "agenda", "offered",
  "muted", "pending", "colleague",
];

let site, chromium;
/** A weekday morning, so that the pictures are the same every time. */
const morning = new Date("2026-11-23T09:32:00");

before(async () => {
  site = await serve("companion-fake");
  chromium = await browser();
});
after(async () => {
  await chromium.close();
  site.stop();
});

async function opened(scenario, { scheme = "light", width = 400, height = 760, ...more } = {}) {
  const context = await chromium.newContext({
    colorScheme: scheme,
    viewport: { width, height },
    locale: "en-GB",
    timezoneId: "Europe/Berlin",
    ...more,
  });
  await context.clock.install({ time: morning });
  const page = await open(context, `${site.url}?scenario=${scenario}`);
  return { page, done: async () => {
    assert.deepEqual(page.errors, []);
    await context.close();
  } };
}

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

describe("the people of a visit", () => {
  const calls = async (page) => (await page.evaluate(() => window.calls)).slice(1);
  const send = (page) => page.locator("dialog[open] [data-act='send']").press("Enter");

  test("a guest is invited: the link is shown once, can be copied, and is gone with the dialog", async () => {
    const { page, done } = await opened("people", { permissions: ["clipboard-read", "clipboard-write"] });
    await page.locator("#invite").press("Enter");
    await page.locator("dialog[open] input[value='family']").check();
    assert.deepEqual(await axeFindings(page), []);
    await page.locator("#invite-send").press("Enter");
    const link = await page.locator("#invite-link").inputValue();
    assert.match(link, /^https:\/\/relay\.example\/i\/\w{44}$/);
    await page.locator("#invite-copy").press("Enter");
    await page.waitForSelector("dialog[open]:has-text('Copied.')");
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), link);
    assert.deepEqual(await axeFindings(page), []);
    await shot(page, "companion-invite-link-light");
    await page.locator("#invite-done").press("Enter");
    assert.equal(await page.evaluate(() => document.activeElement.id), "invite");
    await page.locator("#invite").press("Enter");
    assert.equal(await page.locator("#invite-link").count(), 0);
    assert.ok(!(await page.content()).includes(link));
    assert.deepEqual(await calls(page), ["invite v1 family hand"]);
    await done();
  });

  test("an invitation by e-mail wants an address, keeps none and shows no link", async () => {
    const { page, done } = await opened("people");
    await page.locator("#invite").press("Enter");
    await page.locator("dialog[open] input[value='email']").check();
    await page.locator("#invite-send").press("Enter");
    assert.equal(await page.evaluate(() => document.activeElement.id), "invite-address");
    assert.deepEqual(await calls(page), []);
    await page.keyboard.type("guest@example.org");
    await page.locator("#invite-send").press("Enter");
    await page.waitForSelector("dialog[open]:has-text('It is on its way')");
    assert.equal(await page.locator("#invite-link").count(), 0);
    assert.ok(!(await page.content()).includes("guest@example.org"));
    assert.deepEqual(await calls(page), ["invite v1 interpreter email"]);
    await done();
  });

  test("an unknown guest is named by role, and unnamed again; a link is taken back; help is taken on", async () => {
    const { page, done } = await opened("people");
    const guest = page.locator("[data-participant='unattributed']");
    await guest.locator("[data-act='assign']").press("Enter");
    // Whoever is seen in the meeting already cannot be this guest.
    assert.deepEqual(await page.locator("dialog[open] label").allInnerTexts(), ["Patient", "Proxy", "Family", "Guest clinician", "Nobody we know"]);
    await page.locator("dialog[open] input[value='patient-1']").check();
    await shot(page, "companion-assign-light");
    await send(page);
    await page.waitForSelector("[data-participant='unattributed']:has-text('Patient, by your word. Not written to the chart.')");
    await guest.locator("[data-act='assign']").press("Enter");
    await page.locator("dialog[open] input[value='']").check();
    await send(page);
    await page.waitForSelector("[data-participant='unattributed']:has-text('Not known to be the patient.')");

    await page.locator("[data-participant='family'] [data-act='revoke']").press("Enter");
    await page.waitForSelector("[data-invitation='revoked']");
    await page.locator("[data-participant='proxy'] [data-act='help']").press("Enter");
    await page.waitForSelector("[data-help]", { state: "detached" });
    assert.deepEqual(await calls(page), [
      "assign v1 unattributed-1 patient-1",
      "assign v1 unattributed-1 nobody",
      "revoke_invitation v1 family-1",
      "help_taken v1 proxy-1",
    ]);
    await done();
  });

  test("a message goes to one, running late to all who wait", async () => {
    const { page, done } = await opened("people");
    await page.locator("#say").press("Enter");
    await page.locator("dialog[open] input[value='interpreter-1']").check();
    await page.locator("dialog[open] input[value='check-camera']").check();
    await send(page);
    await page.waitForSelector("text=“Please check your camera”, not answered");
    await done();

    const waiting = await opened("waiting");
    await waiting.page.locator("#late").press("Enter");
    await waiting.page.locator("dialog[open] input[value='15']").check();
    await send(waiting.page);
    await waiting.page.waitForSelector("[data-note='late']:has-text('Running late, until about 10:47')");
    assert.deepEqual(await calls(waiting.page), ["late v1 15"]);
    await waiting.done();
  });

  test("what was ended is taken back, as long as it can be", async () => {
    const { page, done } = await opened("ended");
    assert.match(await page.locator("[data-note='undo']").innerText(), /Until 10:36/);
    await page.clock.runFor("04:01");
    await page.waitForSelector("#undo-end", { state: "detached" });
    await done();

    const again = await opened("ended");
    await again.page.locator("#undo-end").press("Enter");
    await again.page.waitForSelector("#end-visit");
    assert.deepEqual(await calls(again.page), ["undo_end v1"]);
    await again.done();
  });

  test("joining B while still in A asks first, and does what is said", async () => {
    for (const [press, expected] of [
      ["#guard-stay", []],
      ["#guard-join", ["join v2"]],
      ["#guard-end", ["end v1", "join v2"]],
    ]) {
      const { page, done } = await opened("still-in");
      await page.locator("#join").press("Enter");
      assert.match(await page.locator("dialog[open]").innerText(), /You are still in the visit of 10:1[05]; inside: the patient, you and an unknown guest\./);
      assert.deepEqual(await calls(page), []);
      if (expected.length === 0) {
        assert.equal(await page.evaluate(() => document.activeElement.id), "guard-stay");
        assert.deepEqual(await axeFindings(page), []);
        await shot(page, "companion-still-in-question-light");
      }
      await page.locator(press).press("Enter");
      await page.waitForFunction((many) => window.calls.length === many + 1, expected.length);
      assert.deepEqual(await calls(page), expected);
      assert.equal(await page.locator("dialog[open]").count(), 0);
      await done();
    }
  });

  test("with two who wait, Join says whom; with one it does not ask", async () => {
    const { page, done } = await opened("several-wait");
    await page.locator("#join").press("Enter");
    assert.match(await page.locator("dialog[open] [data-whom]").innerText(), /join the patient, planned for 10:30/);
    await page.locator("#guard-join").press("Enter");
    await page.waitForSelector("#end-visit");
    assert.deepEqual(await calls(page), ["join v1"]);
    await done();

    const one = await opened("waiting");
    await one.page.locator("#join").press("Enter");
    await one.page.waitForSelector("#end-visit");
    await one.done();
  });

  test("an offer is taken or left; an expired action is read; the age of what was heard goes on", async () => {
    const { page, done } = await opened("offered");
    assert.match(await page.locator("#offer").innerText(), /10:30 visit here/);
    await page.locator("#offer-no").press("Enter");
    await page.waitForSelector("#offer", { state: "detached" });
    assert.deepEqual(await calls(page), ["take_offer false"]);
    await done();

    const offline = await opened("pending");
    assert.match(await offline.page.locator("[data-note='heard']").innerText(), /Last heard 4[23] s ago/);
    await offline.page.clock.runFor("00:30");
    await offline.page.waitForSelector("[data-note='heard']:has-text('Last heard 1 min ago')");
    assert.match(await offline.page.locator("[data-note='offline']").innerText(), /can still be joined/);
    assert.match(await offline.page.locator("[data-pending='expired']").innerText(), /End for all.*not sent/);
    assert.equal(await offline.page.locator("[data-pending='waiting'] button").count(), 0);
    await offline.page.locator("[data-pending='expired'] button").press("Enter");
    await offline.page.waitForSelector("[data-pending='expired']", { state: "detached" });
    assert.deepEqual(await calls(offline.page), ["dismiss_pending p2"]);
    await offline.done();
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
