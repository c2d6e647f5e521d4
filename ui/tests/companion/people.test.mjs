// The people of a visit in the companion's window: guests by link, an unknown guest, presets, running late, an end taken
// back, the question before Join, offers and what was not sent; by keyboard, with axe-core on each dialog.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { axeFindings, browser, openedOn, serve, shot } from "./browser.mjs";

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

  test("a lost link is replaced for the same guest", async () => {
    const { page, done } = await opened("people");
    await page.locator("[data-participant='family'] [data-act='invite-again']").press("Enter");
    assert.match(await page.locator("dialog[open]").innerText(), /stops working as soon as there is a new one/);
    assert.equal(await page.locator("dialog[open] input[name='invite-role']").count(), 0);
    await page.locator("#invite-send").press("Enter");
    await page.waitForSelector("#invite-link");
    assert.equal(await page.locator("[data-participant='family']").count(), 1);
    assert.deepEqual(await calls(page), ["invite v1 family-1 hand"]);
    await done();
  });

  test("a patient who is not there can be sent a link, and one who waits needs none", async () => {
    const { page, done } = await opened("not-there");
    const row = page.locator("[data-participant='patient']");
    await row.locator("[data-act='invite-again']").press("Enter");
    assert.match(await page.locator("dialog[open]").innerText(), /Whoever opens the link has their place/);
    await page.locator("dialog[open] input[value='sms']").check();
    await page.locator("#invite-address").fill("+1 555 010 0199");
    assert.deepEqual(await axeFindings(page), []);
    await shot(page, "companion-patient-link-light");
    await page.locator("#invite-send").press("Enter");
    await page.locator("#invite-done").press("Enter");
    assert.deepEqual(await calls(page), ["invite v1 patient-1 sms"]);
    assert.match(await row.innerText(), /Invited, link good until/);
    await done();
    const waiting = await opened("opened");
    assert.equal(await waiting.page.locator("[data-participant='patient'] [data-act='invite-again']").count(), 0);
    await waiting.done();
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

  test("a Join pressed outside the window asks by itself; closing the question joins nothing", async () => {
    for (const [press, expected] of [
      ["Escape", ["dismiss_join"]],
      ["#guard-join", ["join v2"]],
    ]) {
      const { page, done } = await opened("pressed-outside");
      assert.match(await page.locator("dialog[open]").innerText(), /Is your other visit over\?[^]*You are still in the visit of 10:1[05]/);
      assert.deepEqual(await calls(page), []);
      if (press === "Escape") await page.keyboard.press("Escape");
      else await page.locator(press).press("Enter");
      await page.waitForSelector("dialog[open]", { state: "detached" });
      await page.waitForFunction((call) => window.calls.includes(call), expected[0]);
      assert.deepEqual((await calls(page)).filter((call) => call !== "dismiss_join" || expected.includes(call)), expected);
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
    assert.match(await offline.page.locator("[data-note='offline']").innerText(), /can still be joined; who comes and goes is not recorded until then/);
    assert.match(await offline.page.locator("[data-pending='expired']").innerText(), /Message.*not sent/);
    assert.equal(await offline.page.locator("[data-pending='waiting'] button").count(), 0);
    await offline.page.locator("[data-pending='expired'] button").press("Enter");
    await offline.page.waitForSelector("[data-pending='expired']", { state: "detached" });
    assert.deepEqual(await calls(offline.page), ["dismiss_pending p2"]);
    await offline.done();
  });
});
