// Three languages in a real browser: the device's is taken, a pick is kept, Arabic runs from right to left, every screen
// passes axe in it, and a phone loads the words of one language only.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { accessible, desktop, fits, launch, open, phone, screen, shot } from "./browser.mjs";
import { built, serve } from "./pages.mjs";

let browser, server, shipped;
before(async () => {
  server = await serve(await built("visit-fake"));
  shipped = await built("visit");
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await server?.close();
});

const visiting = async (t, scenario, live, more) => {
  const page = await open(browser, `${server.page}?scenario=${scenario}`, more);
  t.after(() => page.context().close());
  await live(page);
};
const said = (page) => page.evaluate(() => [document.documentElement.lang, document.documentElement.dir]);

for (const [locale, language, direction, start] of [
  ["es-MX", "es", "ltr", "Empezar"],
  ["ar-EG", "ar", "rtl", "ابدأ"],
  ["fr-FR", "en", "ltr", "Start"],
]) {
  test(`${locale} is met in ${language}`, (t) =>
    visiting(t, "can-be-ready", async (page) => {
      await screen(page, "place");
      assert.deepEqual(await said(page), [language, direction]);
      assert.equal((await page.textContent("#start")).trim(), start);
    }, { locale }));
}

test("a pick changes the page where it stands, fetches one file more, and outlives a reload", (t) =>
  visiting(t, "waiting", async (page) => {
    await screen(page, "waiting");
    const scripts = () =>
      page.evaluate(() => performance.getEntriesByType("resource").map(({ name }) => name.match(/\/(en|es|ar)-[^/]*\.js$/)?.[1]).filter(Boolean));
    assert.deepEqual(await scripts(), ["en"]);
    await page.selectOption("#language", "ar");
    await page.waitForSelector('html[dir="rtl"][lang="ar"]');
    assert.match(await page.textContent("h1"), /غرفة الانتظار/);
    assert.equal(await page.title(), "زيارتك عبر الفيديو");
    assert.deepEqual(await scripts(), ["en", "ar"]);
    // The clock runs from left to right all the same, in the digits of the rest of the page.
    assert.match(await page.textContent("#clock"), /^03:\d\d$/);
    await page.reload();
    await screen(page, "waiting");
    assert.deepEqual(await said(page), ["ar", "rtl"]);
    await page.selectOption("#language", "en");
    await page.waitForSelector('html[dir="ltr"][lang="en"]');
    assert.deepEqual(await page.evaluate(() => Object.entries(localStorage)), [["roomed.language", "en"]]);
  }));

test("words that cannot be fetched change nothing", (t) =>
  visiting(t, "waiting", async (page) => {
    await screen(page, "waiting");
    await page.context().route(/\/es-[^/]*\.js$/, (route) => route.abort());
    await page.selectOption("#language", "es");
    await page.waitForFunction(() => document.querySelector("#language").value === "en");
    assert.match(await page.textContent("h1"), /waiting room/);
  }));

test("no words at all: the sentence in every language, at once", async (t) => {
  const page = await open(browser, "about:blank");
  t.after(() => page.context().close());
  await page.context().route(/\/(en|es|ar)-[^/]*\.js$/, (route) => route.abort());
  await page.goto(`${server.page}?scenario=waiting`);
  await page.waitForSelector('.failed .stuck:has-text("could not be loaded")');
  for (const words of ["No se pudo cargar esta página", "تعذّر تحميل هذه الصفحة"]) await page.waitForSelector(`text=${words}`);
  await accessible(page, "stuck");
  await shot(page, "stuck-phone-light");
});

test("without any script the page says so in every language", () => {
  const [, unscripted] = String(shipped.get("index.html")).match(/<noscript>([^]*)<\/noscript>/);
  for (const words of ["needs JavaScript", "necesita JavaScript", "تحتاج هذه الصفحة إلى JavaScript"]) assert.ok(unscripted.includes(words), words);
});

const allow = async (page) => {
  await page.click("#start");
  await page.click("#allow-devices");
  await page.waitForSelector('#hear-you[data-heard="true"]');
};
const presses = (...all) => async (page) => {
  await page.click("#start");
  for (const press of all) await page.click(press);
};
const none = async () => undefined;
const scenes = [
  ["place", "texts", none],
  ["devices", "can-be-ready", allow],
  ["speaker", "can-be-ready", presses("#skip-devices", "#play-sound", "#heard-no")],
  ["checked", "can-be-ready&line=weak", presses("#skip-devices", "#skip-sound")],
  ["ready", "texts", presses("#skip-devices", "#skip-sound", "#checked")],
  ["too-early", "too-early", presses("#skip-devices", "#skip-sound", "#checked")],
  ["waiting", "messages", none],
  ["waiting", "late", none],
  ["waiting", "waiting", (page) => page.click("#leave")],
  ["called", "group", (page) => page.click("#hold")],
  ["another-device", "another-device", none],
  ["gone", "gone", none],
];
for (const locale of ["es-US", "ar-EG"]) {
  for (const [end, scenario, way] of scenes) {
    test(`${locale}: ${end} (${scenario})`, (t) =>
      visiting(t, scenario, async (page) => {
        await way(page);
        await screen(page, end);
        await page.setViewportSize({ width: 320, height: 568 });
        await fits(page, `${end}, smallest`);
        for (const [size, viewport] of Object.entries({ desktop, phone })) {
          await page.setViewportSize(viewport);
          await fits(page, `${end}, ${size}`);
          await shot(page, `${locale.slice(0, 2)}-${scenario.replace(/\W/g, "-")}-${end}-${size}`);
        }
        await accessible(page, `${end} in ${locale}`);
        assert.deepEqual(page.troubles, []);
      }, { locale }));
  }
}

test("every script a phone can load, in all languages together, stays under 60 KB", () => {
  const scripts = [...shipped].filter(([name]) => /\.m?js$/.test(name));
  const size = (some) => some.reduce((sum, [, code]) => sum + gzipSync(code).length, 0) / 1024;
  assert.equal(scripts.length, 4, "one script and three languages");
  assert.ok(size(scripts) < 60, `${size(scripts).toFixed(1)} KB`);
  // No script hides in the page itself, and nothing else is preloaded.
  assert.equal(String(shipped.get("index.html")).match(/<script|modulepreload/g).length, 1);
});
