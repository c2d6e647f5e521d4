// The portal on its in-page backend: each step in light and dark, two sizes, axe and a picture; then what is pressed there, by
// keyboard and for a screen reader, and that nothing is done to the chart that was not looked at first.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { accessible, desktop, fits, launch, open, shot } from "../visit/browser.mjs";
import { built, serve } from "../visit/pages.mjs";

const narrow = { width: 360, height: 780 };
let browser, server;
before(async () => {
  server = await serve(await built("portal-fake"), { folder: "portal" });
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await server?.close();
});

async function portal(t, scenario, live, more = {}) {
  const page = await open(browser, `${server.page}?scenario=${scenario}`, { viewport: desktop, ...more });
  t.after(() => page.context().close());
  await page.waitForSelector('html[data-ready="1"]', { state: "attached" });
  await live(page);
  assert.deepEqual(page.troubles, []);
}
const asked = (page) => page.evaluate(() => globalThis.asked);
const said = (page, words) => page.waitForFunction((words) => new RegExp(words).test(document.querySelector("#said").textContent), words);
const entries = (page) => page.$$eval("#entries > li", (rows) => rows.map((row) => row.dataset.entry));

// name, scenario, the way there
const at = (selector) => (page) => page.waitForSelector(selector);
const scenes = [
  ["prerequisites", "wrong&step=prerequisites", at('[data-check="graph.meetings"]')],
  ["prerequisites-before", "setup", at("#examine")],
  ["doctor", "wrong&step=doctor", at('[data-check="ehr.backend"]')],
  ["doctor-well", "well&step=doctor", at('[data-check="ehr.write"]')],
  ["doctor-failed", "failed&step=doctor", async (page) => (await page.click("#examine"), await page.waitForSelector("#failed"))],
  ["records", "wrong&step=records", at('[data-record="patient"]')],
  ["write-backs", "wrong&step=write-backs", at('[data-entry="wb-parked"]')],
  ["write-back-open", "wrong&step=write-backs", async (page) => {
    await page.click('[data-entry="wb-parked"] [data-act="open"]');
    await page.waitForSelector('[data-entry="wb-parked"] ol li');
  }],
  ["skip", "wrong&step=write-backs", async (page) => {
    await page.click('[data-entry="wb-parked"] [data-act="open"]');
    await page.click('[data-entry="wb-parked"] [data-act="skip"]');
    await page.click('[data-act="really-skip"]');
  }],
  ["retry-double", "wrong&step=write-backs", async (page) => {
    await page.click('[data-entry="wb-double"] [data-act="open"]');
    await page.click('[data-entry="wb-double"] [data-act="retry"]');
  }],
  ["replay", "wrong&step=write-backs", async (page) => {
    await page.click("#replay summary");
    await page.click("#replay-look");
    await page.waitForSelector("#replay-really");
    await page.locator("#replay-really").scrollIntoViewIfNeeded();
  }],
  ["ledger", "wrong&step=ledger", async (page) => (await page.click("#verify"), await page.waitForSelector("#verdict"))],
  ["ledger-broken", "broken&step=ledger", async (page) => (await page.click("#verify"), await page.waitForSelector("#verdict"))],
  ["report", "wrong&step=report", at("#visits")],
  ["report-empty", "quiet&step=report", at("#none")],
  ["report-visits", "wrong&step=report", async (page) => (await page.waitForSelector("#visits"), await page.click("#tables summary"), await page.locator("#visits").scrollIntoViewIfNeeded())],
  ["reader", "reader", at("#visits")],
  ["offline", "offline&step=records", at("[data-trouble]")],
  ["old-sign-in", "old-sign-in&step=doctor", async (page) => (await page.click("#examine"), await page.waitForSelector("[data-trouble]"))],
  ["signed-out", "signed-out&o=northside", at("#sign-in")],
  ["no-role", "no-role&o=northside", at("#sign-in")],
  ["other-region", "other-region", at("#elsewhere")],
];
for (const [name, scenario, way] of scenes) {
  test(name, (t) =>
    portal(t, scenario, async (page) => {
      await way(page);
      for (const colorScheme of ["light", "dark"]) {
        await page.emulateMedia({ colorScheme });
        for (const [size, viewport] of Object.entries({ desktop, narrow })) {
          await page.setViewportSize(viewport);
          await fits(page, `${name}, ${size}`);
          await shot(page, `${name}-${size}-${colorScheme}`, "portal");
          await accessible(page, `${name}, ${size}, ${colorScheme}`);
        }
      }
    }),
  );
}

test("the rail says how each step stands, in words; what the page does not know is left out", (t) =>
  portal(t, "wrong&step=doctor", async (page) => {
    await page.waitForSelector('[data-step="doctor"][data-state="attention"]');
    const steps = await page.$$eval("nav a", (all) => all.map((one) => [one.dataset.step, one.querySelector(".mark")?.textContent ?? ""]));
    assert.deepEqual(steps, [
      ["prerequisites", "needs somebody"],
      ["records", ""],
      ["doctor", "needs somebody"],
      ["write-backs", "needs somebody"],
      ["ledger", ""],
      ["report", ""],
    ]);
    assert.equal(await page.getAttribute('nav [data-step="doctor"]', "aria-current"), "page");
  }));

test("by keyboard alone from step to step: the heading takes the focus, the title and the address follow, back leads back", (t) =>
  portal(t, "wrong&o=northside", async (page) => {
    assert.equal(await page.title(), "Prerequisites · Portal · Roomed");
    await page.focus('nav [data-step="records"]');
    await page.keyboard.press("Enter");
    await page.waitForSelector('html[data-step="records"]', { state: "attached" });
    await page.waitForFunction(() => document.activeElement.tagName === "H1" && document.activeElement.textContent === "Integration records");
    assert.equal(await page.title(), "Integration records · Portal · Roomed");
    assert.equal(new URL(page.url()).search, "?o=northside&scenario=wrong&step=records");
    await page.goBack();
    await page.waitForSelector('html[data-step="prerequisites"]', { state: "attached" });
  }));

test("a run is begun once, says how far it is, and what came of it is said and marked in the rail", (t) =>
  portal(t, "setup&step=doctor", async (page) => {
    assert.equal(await page.locator("[data-check]").count(), 0);
    await page.click("#examine");
    await page.waitForSelector("progress");
    assert.match(await page.textContent('label[for="progress"]'), /\d+ of 26/);
    await page.dispatchEvent("#examine", "click");
    await said(page, "^Done\\. 2 wrong\\.$");
    assert.deepEqual(await asked(page), [["examine"]]);
    assert.equal(await page.locator("progress").count(), 0);
    await page.waitForSelector('[data-step="prerequisites"][data-state="attention"]');
  }));

test("a finding says how it stands by a word and a shape, why, whose it is and what to do, and gives what to paste", (t) =>
  portal(t, "wrong&step=doctor", async (page) => {
    const policy = page.locator('[data-check="graph.meetings"]');
    const text = await policy.textContent();
    for (const part of [/^\s*Wrong/, /may not make meetings/, /Microsoft 365 admin:/, /Grant the application access policy/]) assert.match(text, part);
    const shape = (check) => page.$eval(`[data-check="${check}"] .state path`, (path) => path.getAttribute("d"));
    const shapes = await Promise.all(["graph.meetings", "ehr.certificate", "ehr.write", "entra.secret", "graph.removal"].map(shape));
    assert.equal(new Set(shapes).size, 5);
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await policy.locator('[data-act="copy"]').click();
    await said(page, "^Copied: text for graph\\.meetings\\.$");
    assert.match(await page.evaluate(() => navigator.clipboard.readText()), /^New-CsApplicationAccessPolicy .*\nGrant-CsApplicationAccessPolicy /);
    // What was not asked because of another finding tells nobody to do anything.
    assert.equal(await page.locator('[data-check="graph.patient-link"] .fix').count(), 0);
  }));

test("the report is saved as a file with what is on the screen", (t) =>
  portal(t, "wrong&step=doctor", async (page) => {
    const [file] = await Promise.all([page.waitForEvent("download"), page.click("#save-text")]);
    assert.equal(file.suggestedFilename(), "roomed-doctor.txt");
    const text = readFileSync(await file.path(), "utf8");
    assert.match(text, /Wrong: ehr\.backend \[https:\/\/ehr\.northside\.example.*\]: invalid_client \(backend-unknown\)/);
    assert.match(text, /Who: EHR analyst/);
  }));

test("prerequisites are the organization's own, and this computer; nothing of the relay's disk", (t) =>
  portal(t, "well&step=prerequisites", async (page) => {
    await page.waitForSelector('[data-check="entra.secret"]');
    const checks = await page.$$eval("[data-check]", (all) => all.map((one) => one.dataset.check));
    assert.ok(checks.includes("here.browser") && checks.includes("here.teams"));
    assert.ok(!checks.some((check) => /^(database|address)/.test(check)), checks.join());
    assert.match(await page.textContent("main"), /Microsoft’s own Teams EHR connector and its subscription: Roomed does not use them/);
    await page.waitForSelector('[data-step="prerequisites"][data-state="done"]');
  }));

test("records: what is copied is the value letter by letter; the file has all of it; nothing to press is printed", (t) =>
  portal(t, "wrong&step=records", async (page) => {
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    const copied = async (record, field) => {
      await page.click(`[data-record="${record}"] [data-field="${field}"] [data-act="copy"]`);
      await page.waitForSelector(`[data-record="${record}"] [data-field="${field}"] button:has-text("Copied")`);
      return page.evaluate(() => navigator.clipboard.readText());
    };
    assert.equal(await copied("provider", "context-tokens"), "sessionId=%CSN%&departmentId=%PERFDEPID;;; ; ;;NONE;%");
    assert.equal(await copied("provider-group", "context-tokens"), "sessionId=%CONFERENCEID%&departmentId=%PERFDEPID;;; ; ;;NONE;%");
    assert.equal(await copied("patient", "launch-url"), "https://roomed.example/o/northside/patient");
    const [file] = await Promise.all([page.waitForEvent("download"), page.click("#save-text")]);
    const text = readFileSync(await file.path(), "utf8");
    for (const value of await page.$$eval("main code", (all) => all.map((one) => one.textContent))) {
      for (const line of value.split("\n")) assert.ok(text.includes(line), line);
    }
    await page.emulateMedia({ media: "print" });
    assert.equal(await page.locator("button:visible, nav:visible, header:visible").count(), 0);
    assert.ok(await page.isVisible('[data-record="patient"] code'));
  }));

test("write-backs are searched by state and day, the search survives a reload, and there is more", (t) =>
  portal(t, "wrong&step=write-backs", async (page) => {
    await page.waitForSelector("#more");
    assert.equal((await entries(page)).length, 4);
    await page.click("#more");
    await page.waitForSelector('[data-entry="wb-superseded"]');
    assert.equal((await entries(page)).length, 6);
    await page.selectOption("#state", "parked");
    await page.waitForSelector('[data-entry="wb-delivered"]', { state: "detached" });
    await page.reload();
    await page.waitForSelector('[data-entry="wb-parked"]');
    assert.deepEqual(await entries(page), ["wb-destroyed", "wb-parked", "wb-double"]);
    assert.match(await page.textContent('[data-entry="wb-parked"]'), /Stopped, needs somebody.*does not know the appointment any more/s);
    await page.fill("#from", "2031-01-01");
    await page.waitForSelector("#none");
  }));

test("skip wants a reason, and is asked for once; the row says so at once", (t) =>
  portal(t, "wrong&step=write-backs", async (page) => {
    await page.click('[data-entry="wb-parked"] [data-act="open"]');
    await page.click('[data-entry="wb-parked"] [data-act="skip"]');
    await page.click('[data-act="really-skip"]');
    await page.waitForSelector('[role="alert"]:has-text("Say in a few words why.")');
    assert.deepEqual(await asked(page), []);
    await page.fill("dialog[open] textarea", "Told by telephone.");
    await page.click('[data-act="really-skip"]');
    await page.waitForSelector('[data-entry="wb-parked"][data-state="skipped"]');
    assert.deepEqual(await asked(page), [["skip", "wb-parked", "Told by telephone."]]);
    assert.equal(await page.locator('[data-entry="wb-parked"] [data-act="skip"]').count(), 0);
  }));

test("what may be in the chart already is sent again only after that was asked", (t) =>
  portal(t, "wrong&step=write-backs", async (page) => {
    await page.click('[data-entry="wb-double"] [data-act="open"]');
    await page.click('[data-entry="wb-double"] [data-act="retry"]');
    await page.click('dialog[open] label:has-text("it is not in the chart")');
    await page.click('[data-act="really-retry"]');
    await page.waitForSelector('[data-entry="wb-double"][data-state="waiting"]');
    assert.deepEqual(await asked(page), [["retry", "wb-double", true]]);
  }));

test("replay: nothing but the dry run can be pressed first, other days forget it, and the number goes along", (t) =>
  portal(t, "wrong&step=write-backs", async (page) => {
    await page.click("#replay summary");
    assert.equal(await page.locator("#replay-really").count(), 0);
    await page.click("#replay-look");
    await page.waitForSelector("#replay-really");
    await page.fill("#replay-from", "2026-11-01");
    await page.locator("#replay-from").dispatchEvent("change");
    await page.waitForSelector("#replay-really", { state: "detached" });
    await page.click("#replay-look");
    await page.click("#replay-really");
    await page.waitForSelector("#replayed");
    const plans = (await asked(page)).map(([, what]) => what.expected);
    assert.deepEqual(plans, [undefined, undefined, 12]);
  }));

test("the ledger: verified on request, a bad record is named, and older ones come", (t) =>
  portal(t, "broken&step=ledger", async (page) => {
    assert.deepEqual(await asked(page), []);
    await page.click("#verify");
    await page.waitForSelector('#verdict[data-good="false"]:has-text("record 5 was changed")');
    await page.click("#older");
    await page.waitForSelector('tbody th:has-text("1")');
    assert.deepEqual(await page.$$eval("tbody th", (all) => all.map((one) => one.textContent)), ["7", "6", "5", "4", "3", "2", "1"]);
    assert.equal(await page.getAttribute("#export", "href"), "api/ledger/export");
  }));

test("the report: the charts' figures are the tables', and who never came is said", (t) =>
  portal(t, "wrong&step=report", async (page) => {
    for (const measure of ["wait", "noshow"]) {
      await page.selectOption("#measure", measure);
      const column = { wait: 2, noshow: 4 }[measure];
      for (const [chart, table] of [["#by-hour", 0], ["#by-department", 1]]) {
        const bars = await page.$$eval(`${chart} li`, (rows) => rows.map((row) => row.querySelector(".number").textContent));
        const figures = await page.$$eval(
          "#tables table",
          (tables, [table, column]) => [...tables[table].querySelectorAll("tbody tr")].map((row) => row.children[column].textContent),
          [table, column],
        );
        assert.deepEqual(bars, figures, `${measure}, ${chart}`);
        const wide = await page.$$eval(`${chart} .bar`, (all) => all.map((one) => Number(one.getAttribute("width"))));
        const most = Math.max(...bars.map((text) => Number(text) || 0));
        for (const [index, text] of bars.entries()) assert.ok(Math.abs(wide[index] - (100 * (Number(text) || 0)) / most) < 2, text);
      }
    }
    await page.click("#more");
    await page.waitForSelector('[data-missed="unknown"]');
    assert.match(await page.textContent('[data-missed="patient"]'), /The patient never came/);
    assert.match(await page.textContent('[data-missed="clinician"]'), /The clinician never came/);
    await page.selectOption("#department", "20");
    assert.ok((await page.$$eval("#by-hour li", (all) => all.length)) > 0);
    assert.match(await page.getAttribute("#csv", "href"), /^api\/report\.csv\?from=\d{4}-\d\d-\d\d&to=\d{4}-\d\d-\d\d$/);
  }));

test("a reader of the report has that step only, whatever the address says", (t) =>
  portal(t, "reader&step=write-backs", async (page) => {
    await page.waitForSelector('html[data-step="report"]', { state: "attached" });
    assert.deepEqual(await page.$$eval("nav a", (all) => all.map((one) => one.dataset.step)), ["report"]);
  }));

test("a change with an old sign-in does nothing and leads to a new one", (t) =>
  portal(t, "old-sign-in&step=write-backs", async (page) => {
    await page.click('[data-entry="wb-parked"] [data-act="open"]');
    await page.click('[data-entry="wb-parked"] [data-act="retry"]');
    await page.click('[data-act="really-retry"]');
    await page.waitForSelector('[data-trouble="sign-in-again"]');
    assert.equal(await page.getAttribute("[data-trouble] a", "href"), "/o/northside/sign-in?to=portal");
    assert.equal(await page.getAttribute('[data-entry="wb-parked"]', "data-state"), "parked");
  }));
