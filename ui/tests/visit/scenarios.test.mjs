// Every stage on the in-page backend: the screen it shows, axe in light and dark, two sizes, and a picture of each.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { accessible, desktop, fits, launch, open, phone, screen, shot, stage } from "./browser.mjs";
import { built, serve } from "./pages.mjs";

let browser, server;
before(async () => {
  server = await serve(await built("visit-fake"));
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await server?.close();
});

const visiting = (t, scenario, live, more) => {
  t.after(() => page?.context().close());
  let page;
  return open(browser, `${server.page}?scenario=${scenario}`, more).then((opened) => live((page = opened)));
};
const skip = async (page) => {
  await page.click("#start");
  await page.click("#skip-devices");
  await page.click("#skip-sound");
  await page.click("#checked");
};
const allow = async (page) => {
  await page.click("#start");
  await page.click("#allow-devices");
  await page.waitForSelector('#hear-you[data-heard="true"]');
};
const onwards = async (page, ...presses) => {
  await allow(page);
  for (const press of ["#continue", "#play-sound", ...presses]) await page.click(press);
};
const none = async () => undefined;

// name, scenario, the way there, the screen at its end
const scenes = [
  ["place", "can-be-ready", none, "place"],
  ["devices-ask", "can-be-ready", (page) => page.click("#start"), "devices"],
  ["devices-on", "can-be-ready", allow, "devices"],
  ["speaker", "can-be-ready", async (page) => (await allow(page), page.click("#continue")), "speaker"],
  ["speaker-played", "can-be-ready", (page) => onwards(page), "speaker"],
  ["speaker-help", "can-be-ready", (page) => onwards(page, "#heard-no"), "speaker"],
  ["checked", "can-be-ready", (page) => onwards(page, "#heard-yes"), "checked"],
  ["checked-weak", "can-be-ready&line=weak", (page) => onwards(page, "#heard-no", "#without-sound"), "checked"],
  ["checked-failed", "can-be-ready&line=failed", (page) => onwards(page, "#heard-yes"), "checked"],
  ["place-proxy", "proxy", none, "place"],
  ["place-notice", "texts", none, "place"],
  ["ready-consent", "texts", skip, "ready"],
  ["ready", "can-be-ready", (page) => onwards(page, "#heard-yes", "#checked"), "ready"],
  ["ready-no-camera", "can-be-ready", skip, "ready"],
  ["too-early", "too-early", skip, "too-early"],
  ["waiting", "waiting", none, "waiting"],
  ["waiting-help", "waiting", (page) => page.click("summary"), "waiting"],
  ["waiting-seen", "can-be-ready", (page) => onwards(page, "#heard-yes", "#checked", "#ready"), "waiting"],
  ["waiting-late", "late", none, "waiting"],
  ["waiting-messages", "messages", none, "waiting"],
  ["waiting-helped", "helped", none, "waiting"],
  ["waiting-interpreter", "interpreter-waiting", none, "waiting"],
  ["leave", "waiting", (page) => page.click("#leave"), "waiting"],
  ["left", "waiting", async (page) => (await page.click("#leave"), page.click("#confirm-leave")), "left"],
  ["another-device", "another-device", none, "another-device"],
  ["called-group", "group", (page) => page.click("#hold"), "called"],
  ["waiting-not-told", "waiting-not-told", none, "waiting"],
  ["offline", "offline", none, "waiting"],
  ["called", "called", (page) => page.click("#hold"), "called"],
  ["in-meeting", "in-meeting", none, "in-meeting"],
  ["ended", "ended", none, "ended"],
  ["cancelled", "cancelled", none, "cancelled"],
  ["gone", "gone", none, "gone"],
];

for (const [name, scenario, way, end] of scenes) {
  test(name, (t) =>
    visiting(t, scenario, async (page) => {
      await way(page);
      await screen(page, end);
      await page.setViewportSize({ width: 320, height: 568 });
      await fits(page, `${name}, smallest`);
      for (const colorScheme of ["light", "dark"]) {
        await page.emulateMedia({ colorScheme });
        for (const [size, viewport] of Object.entries({ desktop, phone })) {
          await page.setViewportSize(viewport);
          await fits(page, `${name}, ${size}`);
          await shot(page, `${name}-${size}-${colorScheme}`);
        }
        await accessible(page, `${name}, ${colorScheme}`);
      }
      assert.deepEqual(page.troubles, []);
    }),
  );
}

test("waiting says truly whether anybody has been told", (t) => visiting(t, "waiting-not-told", async (page) => {
  await page.waitForSelector('#told[data-told="nobody"]');
  const untold = await page.textContent("#told");
  assert.match(untold, /Nobody from your care team is signed in yet\./);
  assert.doesNotMatch(untold, /has been told/);
  await page.evaluate(() => globalThis.moveTo("waiting"));
  await page.waitForSelector('#told[data-told="clinician"]');
  assert.match(await page.textContent("#told"), /has been told you are ready\./);
}));

test("too early: no way to be ready, but the test; the button comes by itself", (t) => visiting(t, "too-early", async (page) => {
  await skip(page);
  await screen(page, "too-early");
  assert.equal(await page.locator("#ready").count(), 0);
  assert.match(await page.textContent("#opens-at"), /^\d{1,2}:\d\d$/); // before ten in the morning the hour has one digit
  await page.click("#test-again");
  await screen(page, "devices");
  await stage(page, "too-early");
  for (const press of ["#continue", "#play-sound", "#heard-yes"]) await page.click(press);
  await stage(page, "too-early");
  await page.click("#checked");
  await screen(page, "too-early");
  await page.evaluate(() => globalThis.moveTo("can-be-ready"));
  await page.waitForSelector("#ready");
}));

test("the whole way by keyboard alone, with the focus on each new heading", (t) => visiting(t, "can-be-ready", async (page) => {
  await screen(page, "place");
  const heading = () => page.waitForFunction(() => document.activeElement?.tagName === "H1");
  // The language, then the button.
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await screen(page, "devices");
  await heading();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.waitForSelector('#hear-you[data-heard="true"]');
  await page.focus("#continue");
  await page.keyboard.press("Enter");
  await screen(page, "speaker");
  await heading();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  // The answer takes the place of the button, and the focus with it.
  await page.waitForFunction(() => document.activeElement?.id === "heard-yes");
  await page.keyboard.press("Enter");
  await screen(page, "checked");
  await heading();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await screen(page, "ready");
  await heading();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Space");
  await screen(page, "waiting");
  await heading();
}));

test("reduced motion stills the breathing dot", (t) => visiting(t, "waiting", async (page) => {
  await screen(page, "waiting");
  const running = await page.evaluate(() => document.getAnimations().filter((one) => one.playState === "running").length);
  assert.equal(running, 0);
}, { reducedMotion: "reduce" }));
