// The portal against a relay on a real socket: what is asked for and at which address, refusals of every kind, a relay that
// is away at first, and that what ships has no scenario in it.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { accessible, desktop, launch, open } from "../visit/browser.mjs";
import { built, serve } from "../visit/pages.mjs";
import { until } from "../visit/wait.mjs";

let browser, files;
before(async () => {
  files = await built("portal");
  browser = await launch();
});
after(() => browser?.close());

const steps = ["prerequisites", "records", "doctor", "write-backs", "ledger", "report"].map((step) => ({ step, state: "open" }));
const me = { key: "northside", organization: "Northside Health", display_name: "Morgan Whitfield", roles: ["admin"], steps };
const now = "2026-11-24T09:00:00Z";
const finding = { check: "keys.master", area: "a-later-area", prerequisite: true, state: "cannot-tell", code: "x", measured: "", cause: "<b>`a`</b> of *Overview*", owner: "it", fix: "" };
const row = { id: "a/b", ehr: "https://ehr.example/R4", visit: "v", channel: "state", state: "parked", accepted_at: now, attempts: 3, possible_double: false, for_identifier: false, destroyed: false, may_retry: true, may_skip: true };
const answers = {
  "GET me": me,
  "GET doctor": { now, failed: false, report: { at: now, version: "1", public_url: "https://roomed.example", findings: [{ ...finding, area: "unknown" }] } },
  "POST doctor": { now, failed: false, running: { since: now, done: 1, total: 26 } },
  "GET records": { ehrs: [], microsoft: [] },
  "GET write-backs": { rows: [row], next: "7" },
  "GET write-backs/a%2Fb": { row, ledger: [] },
  "GET ledger": { rows: [] },
  "GET report": { from: "", to: "", zone: "UTC", departments: [], hours: [] },
  "GET report/visits": { rows: [] },
};

async function portal(t, live, { step = "records", refuse = {}, query = "" } = {}) {
  const relay = { asked: [], bodies: [], refuse };
  const server = await serve(files, {
    folder: "portal",
    answer: (request, response) => {
      const { pathname, search } = new URL(request.url, "http://127.0.0.1");
      if (!pathname.startsWith("/portal/api/")) return false;
      const what = `${request.method} ${pathname.slice("/portal/api/".length)}`;
      relay.asked.push(`${what}${search}`);
      const json = (status, value) => response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
      let text = "";
      request.on("data", (data) => (text += data));
      request.on("end", () => {
        if (request.method === "POST") relay.bodies.push([what, request.headers["content-type"], request.headers.origin, JSON.parse(text)]);
        const refused = relay.refuse[what];
        if (refused === "away") return request.socket.destroy();
        if (refused) return json(refused[0], refused[1] ?? {});
        json(200, answers[what] ?? {});
      });
      return true;
    },
  });
  const page = await open(browser, `${server.page}?step=${step}${query}`, { viewport: desktop });
  t.after(async () => {
    await page.context().close();
    await server.close();
  });
  relay.base = server.base;
  await live(page, relay);
}

test("each step asks for its own and nothing else", (t) =>
  portal(t, async (page, relay) => {
    await until("the first step", () => relay.asked.includes("GET records"));
    for (const [step, asked] of [
      ["ledger", "GET ledger"],
      ["doctor", "GET doctor"],
      ["write-backs", "GET write-backs"],
      ["records", "GET records"],
    ]) {
      relay.asked.length = 0;
      await page.click(`nav [data-step="${step}"]`);
      await page.waitForSelector(`html[data-step="${step}"]`, { state: "attached" });
      await until(step, () => relay.asked.length > 0);
      assert.deepEqual(relay.asked, [asked]);
    }
    assert.deepEqual(page.troubles, []);
  }));

test("what the relay says is never taken for HTML, and an area it names later still has a heading", (t) =>
  portal(
    t,
    async (page) => {
      const text = page.locator('[data-check="keys.master"] .what p').first();
      await text.waitFor();
      assert.equal(await text.textContent(), "<b>a</b> of Overview");
      assert.equal(await page.locator('[data-check="keys.master"] b').count(), 0);
      assert.equal(await page.textContent("#area-unknown"), "More");
      await accessible(page, "a later area");
    },
    { step: "doctor" },
  ));

test("days, state and the next page stand in the question; an id cannot leave its place in the address", (t) =>
  portal(
    t,
    async (page, relay) => {
      await page.waitForSelector("#entries li");
      await page.selectOption("#state", "parked");
      await page.fill("#from", "2026-11-01");
      await until("the question", () => relay.asked.some((one) => one.includes("since=")));
      assert.deepEqual(Object.fromEntries(new URLSearchParams(relay.asked.at(-1).split("?")[1])), { state: "parked", since: "2026-11-01T00:00:00.000Z" });
      await page.click("#more");
      await until("the next page", () => relay.asked.at(-1).includes("after=7"));
      await page.locator('[data-act="open"]').first().click();
      await until("the one", () => relay.asked.includes("GET write-backs/a%2Fb"));
      await page.locator('[data-act="skip"]').first().click();
      await page.fill("dialog[open] textarea", "  Told by telephone. ");
      await page.click('dialog[open] [data-act="really-skip"]');
      await until("the press", () => relay.bodies.length === 1);
      assert.deepEqual(relay.bodies[0], ["POST write-backs/a%2Fb/skip", "application/json", relay.base, { reason: "Told by telephone." }]);
    },
    { step: "write-backs" },
  ));

test("a run under way is looked at until it ends, and a refusal in between is said", (t) =>
  portal(
    t,
    async (page, relay) => {
      await page.waitForSelector("#examine");
      relay.refuse["GET doctor"] = [503];
      await page.click("#examine");
      await page.waitForSelector('[data-trouble="unreachable"]');
      assert.equal(relay.asked.filter((one) => one === "POST doctor").length, 1);
    },
    { step: "doctor" },
  ));

for (const [name, status, more, why, words] of [
  ["signed out", 401, {}, "signed-out", /Sign in to the portal/],
  ["no role", 403, {}, "no-role", /Roomed\.Admin/],
  ["another region", 421, { address: "https://roomed-amer.example" }, "other-region", /https:\/\/roomed-amer\.example/],
  ["another region by an address that is none", 421, { address: "javascript:alert(1)" }, "other-region", /Whoever set Roomed up knows its address/],
]) {
  test(`${name}: said with what to do, and nothing else is asked for`, (t) =>
    portal(
      t,
      async (page, relay) => {
        await page.waitForSelector(`#refused[data-why="${why}"]`);
        assert.match(await page.textContent("#refused"), words);
        const ways = await page.$$eval("#refused a", (all) => all.map((one) => one.getAttribute("href")));
        assert.ok(ways.every((way) => way === "/o/northside/sign-in?to=portal" || way === "https://roomed-amer.example"), ways.join());
        // A browser itself asks once more after a 421 (RFC 9110, 15.5.20).
        assert.deepEqual([...new Set(relay.asked)], ["GET me"]);
      },
      { refuse: { "GET me": [status, more] }, query: "&o=northside" },
    ));
}

test("a relay that is away is asked again, and said so meanwhile", (t) =>
  portal(
    t,
    async (page, relay) => {
      await page.waitForSelector('main [role="status"]:has-text("keeps trying")');
      relay.refuse = {};
      await page.waitForSelector('html[data-step="records"]', { state: "attached" });
      assert.ok(relay.asked.filter((one) => one === "GET me").length > 1);
    },
    { refuse: { "GET me": "away" } },
  ));

test("what ships carries no scenario", () => {
  for (const [name, code] of files) if (name.endsWith(".js")) assert.doesNotMatch(String(code), /Whitfield|Okafor|wb-parked/, name);
});
