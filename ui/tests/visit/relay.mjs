// A tiny relay for the page tests: the /v/api routes, a websocket by hand (RFC 6455 §4.2.2 and §5.2, text frames out
// only), and a "meeting" to leave for. It counts what it is asked and can be cut off.
import { createHash } from "node:crypto";
import { serve } from "./pages.mjs";

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const MINUTE = 60_000;

/** Takes a websocket (RFC 6455 §4.2.2). A close frame from the page (opcode 8) is answered by closing. */
export function accept(request, socket) {
  const key = createHash("sha1").update(request.headers["sec-websocket-key"] + GUID).digest("base64");
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${key}\r\n\r\n`);
  socket.on("data", (data) => (data[0] & 15) === 8 && socket.end());
}

/** One unmasked text frame. */
export function frame(text) {
  const body = Buffer.from(text);
  const head = body.length < 126 ? Buffer.from([0x81, body.length]) : Buffer.from([0x81, 126, body.length >> 8, body.length & 255]);
  return Buffer.concat([head, body]);
}

export class FakeRelay {
  stage = { stage: "can-be-ready" };
  /** Milliseconds this relay's clock is ahead of the phone's. */
  ahead = 0;
  start = new Date(Date.now() + 9 * MINUTE).toISOString();
  /** `up`, `down` (connections are cut) or `gone` (401: session unknown). */
  state = "up";
  /** Answers for `POST ready`, taken from the front; otherwise it is accepted. */
  readyAnswers = [];
  /** The same for `POST handed-over`. */
  handoverAnswers = [];
  told = "clinician";
  /** What else every view says: `{ role: "proxy" }`. */
  more = {};
  /** Bodies of what the page posted, by route. */
  bodies = {};
  /** Milliseconds before each answer of the probe; `undefined`: the probe is cut off. */
  line = 0;
  asked = [];
  /** The `Origin` of every press and socket: a relay refuses any but its own. */
  origins = new Set();
  sockets = new Set();

  static async start(files) {
    const relay = new FakeRelay();
    relay.server = await serve(files, {
      answer: (request, response) => relay.#answer(request, response),
      upgrade: (request, socket) => relay.#upgrade(request, socket),
    });
    relay.page = relay.server.page;
    relay.meeting = `${relay.server.base}/meeting?thread=1`;
    return relay;
  }

  view() {
    return { organization: "Northside Health", start: this.start, now: new Date(Date.now() + this.ahead).toISOString(), ...this.more, ...this.stage };
  }

  /** The visit moves on: every page hears it. */
  move(stage) {
    this.stage = stage;
    this.#tell();
  }

  #tell() {
    for (const socket of this.sockets) socket.write(frame(JSON.stringify(this.view())));
  }

  /** Every socket is cut, and nothing answers until `up`. */
  down() {
    this.state = "down";
    this.cut();
  }

  cut() {
    for (const socket of this.sockets) socket.destroy();
    this.sockets.clear();
  }

  count(what) {
    return this.asked.filter((one) => one === what).length;
  }

  close() {
    this.cut();
    return this.server.close();
  }

  #answer(request, response) {
    const { pathname } = new URL(request.url, "http://127.0.0.1");
    const what = `${request.method} ${pathname}`;
    if (pathname === "/meeting") {
      this.asked.push(what);
      response.writeHead(200, { "content-type": "text/html" }).end("<link rel='icon' href='data:,'><title>Meeting</title><h1>Stand-in meeting</h1>");
      return true;
    }
    if (!pathname.startsWith("/v/api/")) return false;
    this.asked.push(what);
    if (request.method === "POST") this.origins.add(request.headers.origin);
    if (this.state === "down") return request.socket.destroy();
    const json = (status, value) => response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
    const problem = (status, value) =>
      response.writeHead(status, { "content-type": "application/problem+json" }).end(JSON.stringify(value));
    if (this.state === "gone") problem(401, { title: "Open the visit again.", status: 401, code: "visit-not-found" });
    else if (this.state === "elsewhere") response.writeHead(404, { "content-type": "text/plain" }).end("not found");
    else if (what === "GET /v/api/visit") json(200, this.view());
    else if (what === "POST /v/api/ready") this.#ready(json);
    else if (what === "POST /v/api/handed-over") response.writeHead(this.handoverAnswers.shift() ?? 204).end();
    else if (pathname === "/v/api/probe") this.#probe(request, response);
    else if (request.method === "POST" && /\/(devices|leave|help|answer|take-over)$/.test(pathname)) this.#press(request, pathname, json);
    else response.writeHead(404).end();
    return true;
  }

  #ready(json) {
    const refused = this.readyAnswers.shift();
    if (refused) return json(refused, { title: "Not now.", status: refused, code: "bad-request" });
    this.stage = { stage: "waiting", since: this.view().now, told: this.told };
    json(200, this.view());
    this.#tell();
  }

  #probe(request, response) {
    if (this.line === undefined) return request.socket.destroy();
    let received = 0;
    request.on("data", (data) => (received += data.length));
    request.on("end", () =>
      setTimeout(() => (request.method === "GET" ? response.end(Buffer.alloc(65_536, 1)) : response.end(JSON.stringify({ received }))), this.line),
    );
  }

  #press(request, pathname, json) {
    const name = pathname.split("/").pop();
    let text = "";
    request.on("data", (data) => (text += data));
    request.on("end", () => {
      (this.bodies[name] ??= []).push(text === "" ? undefined : JSON.parse(text));
      if (name === "leave") this.stage = { stage: "can-be-ready" };
      if (name === "help") this.more.help_since = this.view().now;
      if (name === "take-over") this.stage = this.elsewhere;
      if (name === "answer") {
        const { message, answer } = JSON.parse(text);
        this.more.messages = this.more.messages.map((one) => (one.id === message ? { ...one, answered: answer } : one));
      }
      json(200, name === "devices" ? {} : this.view());
      if (name !== "devices") this.#tell();
    });
  }

  /** The place goes to another device; `take-over` brings back what was. */
  moveElsewhere() {
    this.elsewhere = this.stage;
    this.move({ stage: "another-device" });
  }

  #upgrade(request, socket) {
    this.asked.push("socket");
    this.origins.add(request.headers.origin);
    socket.on("error", () => undefined);
    if (this.state !== "up") return socket.destroy();
    accept(request, socket);
    this.sockets.add(socket);
    socket.on("close", () => this.sockets.delete(socket));
    socket.write(frame(JSON.stringify(this.view())));
  }
}
