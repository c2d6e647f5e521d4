// Builds a page in memory and serves it as the relay does: in its folder, under the relay's Content-Security-Policy.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { build } from "vite";

const ui = fileURLToPath(new URL("../../", import.meta.url));
const types = { html: "text/html; charset=utf-8", js: "text/javascript", css: "text/css", woff2: "font/woff2", svg: "image/svg+xml" };
/** The relay's own line: one list for both. */
const policy = readFileSync(new URL("../../../crates/relay/src/page-policy.txt", import.meta.url), "utf8").trim();

/** File name -> contents. `mode` is `visit`, `staff` or `portal` (what ships), or one of them with `-fake` (with the scenarios). */
export async function built(mode) {
  const { output } = await build({ configFile: `${ui}vite.config.ts`, mode, logLevel: "error", build: { write: false } });
  return new Map(output.map((file) => [file.fileName, file.type === "chunk" ? file.code : file.source]));
}

/** Serves `files` on loopback under `/v/`, or another folder. `answer(request, response)` may take a request first; `upgrade` takes websockets. */
export async function serve(files, { answer = () => false, upgrade, folder = "v" } = {}) {
  const server = createServer((request, response) => {
    if (answer(request, response)) return;
    const { pathname } = new URL(request.url, "http://127.0.0.1");
    const name = /^\/o\/[^/]+\/test$/.test(pathname) ? "index.html" : pathname.replace(`/${folder}/`, "") || "index.html";
    const file = files.get(name);
    if (file === undefined) return void response.writeHead(404).end();
    response.writeHead(200, {
      "content-type": types[name.split(".").pop()] ?? "application/octet-stream",
      "content-security-policy": policy,
      "cache-control": "no-store",
    });
    response.end(file);
  });
  if (upgrade) server.on("upgrade", upgrade);
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  const base = `http://127.0.0.1:${server.address().port}`;
  return {
    base,
    page: `${base}/${folder}/`,
    close: () => new Promise((closed) => (server.close(closed), server.closeAllConnections())),
  };
}
