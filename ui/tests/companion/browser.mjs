// What the companion's page tests stand on: the built window on a loopback port, Debian's Chromium, axe-core, pictures.
import assert from "node:assert/strict";
import axe from "axe-core";
import { createReadStream, existsSync, mkdirSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { chromium } from "playwright-core";

const ui = new URL("../..", import.meta.url).pathname;
const types = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".woff2": "font/woff2", ".svg": "image/svg+xml" };

/** No inline script or style: what the window's own policy allows at most. */
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self'; connect-src 'self'";

/** Serves `dist/<folder>` on a free loopback port; unknown paths are 404. */
export async function serve(folder) {
  const root = join(ui, "dist", folder);
  const server = createServer((request, response) => {
    if (request.url === "/favicon.ico") return response.writeHead(204).end();
    const path = normalize(new URL(request.url, "http://127.0.0.1").pathname);
    let file = join(root, path);
    if (existsSync(file) && statSync(file).isDirectory()) file = join(file, "index.html");
    if (!existsSync(file)) return response.writeHead(404).end();
    response.writeHead(200, {
      "content-type": types[extname(file)] ?? "application/octet-stream",
      "content-security-policy": policy,
    });
    createReadStream(file).pipe(response);
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  return { url: `http://127.0.0.1:${server.address().port}/`, stop: () => server.close() };
}

/** Debian's Chromium, with nothing that speaks to the network by itself. */
export function browser() {
  return chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: [
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

/** Opens a page and waits until it says that it is drawn. Any error in the page fails the test that closes it. */
export async function open(context, url) {
  const page = await context.newPage();
  page.errors = [];
  page.on("pageerror", (error) => page.errors.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error") page.errors.push(message.text());
  });
  await page.goto(url);
  await page.waitForSelector("html[data-ready='1']");
  return page;
}

/** What axe-core finds, one readable line each. */
export async function axeFindings(page) {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() =>
    window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }),
  );
  return violations.flatMap((one) => one.nodes.map((node) => `${one.id}: ${node.target.join(" ")}: ${node.failureSummary}`));
}

/** `ui/shots/<name>.png`, looked at by people. */
export async function shot(page, name) {
  mkdirSync(join(ui, "shots"), { recursive: true });
  await page.screenshot({ path: join(ui, "shots", `${name}.png`) });
}

/** A weekday morning, so that the pictures are the same every time. */
const morning = new Date("2026-11-23T09:32:00");

/** A scenario in a context of its own; `done` closes it and fails on what the page complained of. */
export async function openedOn(chromium, url, scenario, { scheme = "light", width = 400, height = 760, ...more } = {}) {
  const context = await chromium.newContext({
    colorScheme: scheme,
    viewport: { width, height },
    locale: "en-GB",
    timezoneId: "Europe/Berlin",
    ...more,
  });
  await context.clock.install({ time: morning });
  const page = await open(context, `${url}?scenario=${scenario}`);
  return { page, done: async () => {
    assert.deepEqual(page.errors, []);
    await context.close();
  } };
}
