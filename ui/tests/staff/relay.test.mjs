// The staff page against a relay on a real socket: hints and lists, a lost network, presses, and being signed out.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { desktop, launch, open } from "../visit/browser.mjs";
import { built, serve } from "../visit/pages.mjs";
import { accept, frame } from "../visit/relay.mjs";
import { until } from "../visit/wait.mjs";

let browser, files;
before(async () => {
  files = await built("staff");
  browser = await launch();
});
after(() => browser?.close());

const me = { organization: "Northside Health", display_name: "Robin Ames", departments: null, may_act: true, waiting: { long_seconds: 300, too_long_seconds: 720 } };

function row(id, more = {}) {
  const now = new Date().toISOString();
  return {
    id, stage: "arrived", start: now, end: now, clinicians: ["Dr. Rivera"], urgency: "none", arrived_at: now, closing: false, messages: [],
    participants: [{ id: "p", role: "patient", me: false, presence: "waiting", since: now, chart: { state: "nothing" } }],
    ...more,
  };
}

async function staff(t, live, query = "") {
  const relay = { state: "up", rows: [row("v1")], asked: [], bodies: [], sockets: new Set() };
  relay.view = () => ({ now: new Date().toISOString(), rows: relay.rows });
  relay.say = (value) => relay.sockets.forEach((socket) => socket.write(frame(JSON.stringify(value))));
  relay.down = () => ((relay.state = "down"), relay.sockets.forEach((socket) => socket.destroy()));
  const server = await serve(files, {
    folder: "staff",
    answer: (request, response) => {
      const { pathname } = new URL(request.url, "http://127.0.0.1");
      if (!pathname.startsWith("/staff/api/")) return false;
      relay.asked.push(`${request.method} ${pathname}`);
      if (relay.state === "down") return request.socket.destroy();
      const json = (status, value) => response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
      let text = "";
      request.on("data", (data) => (text += data));
      request.on("end", () => {
        if (typeof relay.state === "number") return json(relay.state, {});
        if (request.method === "POST") relay.bodies.push([pathname, request.headers["content-type"], JSON.parse(text)]);
        json(200, pathname.endsWith("/me") ? me : pathname.endsWith("/visits") ? relay.view() : {});
      });
      return true;
    },
    upgrade: (request, socket) => {
      socket.on("error", () => undefined);
      if (relay.state !== "up") return socket.destroy();
      accept(request, socket);
      relay.sockets.add(socket);
      socket.on("close", () => relay.sockets.delete(socket));
    },
  });
  const page = await open(browser, `${server.page}${query}`, { viewport: desktop });
  t.after(async () => {
    await page.context().close();
    await server.close();
  });
  await live(page, relay);
}
const state = (page, name) => page.waitForSelector(`html[data-connection="${name}"]`, { state: "attached" });

test("a hint fetches the list, and a list is taken as it is", (t) =>
  staff(t, async (page, relay) => {
    await state(page, "live");
    await page.waitForSelector('[data-visit="v1"]');
    relay.rows = [row("v1"), row("v2")];
    relay.say({ type: "visit-changed" });
    await page.waitForSelector('[data-visit="v2"]');
    relay.rows = [row("v3")];
    relay.say(relay.view());
    await page.waitForSelector('[data-visit="v3"]');
    assert.equal(await page.locator("li[data-visit]").count(), 1);
    assert.deepEqual(page.troubles, []);
  }));

test("a lost network is said with the age of the list, and what happened meanwhile is seen", (t) =>
  staff(t, async (page, relay) => {
    await state(page, "live");
    relay.down();
    await state(page, "reconnecting");
    assert.match(await page.textContent("#connection"), /Reconnecting… list of \d\d:\d\d/);
    await page.waitForSelector('[data-visit="v1"]');
    relay.rows = [row("v1", { urgency: "help" })];
    relay.state = "up";
    await state(page, "live");
    await page.waitForSelector('#wanting [data-visit="v1"]');
  }));

test("presses are JSON at the visit's own address; one that is refused is said", (t) =>
  staff(t, async (page, relay) => {
    await state(page, "live");
    await page.click('[data-act="room"]');
    await until("the press", () => relay.bodies.length === 1);
    assert.deepEqual(relay.bodies[0], ["/staff/api/visits/v1/room", "application/json", {}]);
    await page.click('[data-act="late"]');
    await page.click("dialog[open] [data-act='send']");
    await until("running late", () => relay.bodies.length === 2);
    assert.deepEqual(relay.bodies[1], ["/staff/api/late", "application/json", { visits: ["v1"], minutes: 10 }]);
    relay.state = 409;
    await page.click('[data-act="room"]');
    await page.waitForSelector('#problem:has-text("did not take that")');
  }));

test("signed out: no list is left on the screen, the way to sign in, and no more asking", (t) =>
  staff(
    t,
    async (page, relay) => {
      await state(page, "live");
      relay.state = 401;
      await page.click('[data-act="room"]');
      await page.waitForSelector('#refused[data-why="signed-out"]');
      assert.equal(await page.getAttribute("#sign-in", "href"), "/o/northside/sign-in?to=staff");
      assert.equal(await page.locator("li[data-visit]").count(), 0);
      const asked = relay.asked.length;
      relay.sockets.forEach((socket) => socket.destroy());
      // The test asks after the page would have: only its own question comes.
      await page.evaluate(async () => {
        window.dispatchEvent(new Event("online"));
        await fetch("/staff/api/me");
      });
      assert.equal(relay.asked.length, asked + 1);
    },
    "?o=northside",
  ));

test("no role: says who can give it", (t) =>
  staff(t, async (page, relay) => {
    await state(page, "live");
    relay.state = 403;
    relay.say({ type: "visit-changed" });
    await page.waitForSelector('#refused[data-why="no-role"]');
    assert.match(await page.textContent("#refused"), /Microsoft 365 admin/);
  }));

test("what ships carries no scenario", () => {
  for (const [name, code] of files) if (name.endsWith(".js")) assert.doesNotMatch(String(code), /Okafor|moveTo/, name);
});
