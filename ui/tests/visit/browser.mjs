// Chromium for the page tests: its own fake camera and microphone (a green picture, a beep a second), a fresh profile
// for each page, and axe. Every page reports what it wrote to the console, so that a blocked style or script is seen.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const shots = fileURLToPath(new URL("../../shots/", import.meta.url));
mkdirSync(shots, { recursive: true });

export const phone = { width: 360, height: 740 };
export const desktop = { width: 1280, height: 800 };

/** `allow`: the browser says yes to camera and microphone by itself. `devices`: whether there are any. */
export function launch({ allow = true, devices = true } = {}) {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      ...(devices ? ["--use-fake-device-for-media-stream"] : []),
      ...(allow ? ["--use-fake-ui-for-media-stream"] : []),
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

/** A page in its own profile; `page.troubles` collects console errors and exceptions. */
export async function open(browser, url, { viewport = phone, colorScheme = "light", ...more } = {}) {
  const context = await browser.newContext({
    viewport,
    colorScheme,
    locale: "en-GB",
    timezoneId: "Europe/London",
    ...more,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(45_000);
  page.troubles = [];
  page.on("console", (message) => message.type() === "error" && page.troubles.push(message.text()));
  page.on("pageerror", (error) => page.troubles.push(String(error)));
  await page.goto(url);
  return page;
}

export const stage = (page, name) => page.waitForSelector(`html[data-stage="${name}"]`, { state: "attached" });
export const screen = (page, name) => page.waitForSelector(`html[data-screen="${name}"][data-ready="1"]`, { state: "attached" });

export async function shot(page, name, of = "visit") {
  // A button on its way from light to dark is neither.
  await page.screenshot({ path: `${shots}${of}-${name}.png`, animations: "disabled" });
}

/** WCAG 2.2 A and AA and axe's own best practices: nothing may be found. */
export async function accessible(page, what) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document));
  const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 120)).join(" | ")}`);
  assert.deepEqual(found, [], `axe on ${what}`);
}

/** The page must never be wider than the screen. */
export async function fits(page, what) {
  const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(over <= 0, `${what} is ${over}px too wide`);
}
