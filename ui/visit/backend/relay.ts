// The relay over fetch and a websocket. The socket is the page's presence; every view it sends is the whole truth, so
// nothing is merged. A lost socket is answered by a look (GET) and a new socket, with jittered waits in between.
import type { Backend, Hearer, Opening, Outcome } from "./backend";
import { webAddress } from "./join-url";
import type { DeviceReport, PresetAnswer } from "../../shared/protocol";
import { probe, type Line } from "./probe";
import { waitBefore } from "../../shared/reconnect";
import { parsed, viewOf } from "./view";

/** Beside the page: each visit's has a path of its own, and a cookie for it. */
const API = new URL("api/", document.baseURI).pathname;
/** An answer later than this counts as none. */
const DEADLINE_MS = 8_000;
/** Telling the relay that we leave may cost the patient no longer than this. */
const HANDOVER_MS = 2_500;
/** A relay that starts anew, or a line that is cut, is asked again this soon. */
const HANDOVER_AGAIN_MS = 400;
/** Proxies and sleeping phones leave sockets that look alive: a look this often finds them out. */
const CHECK_MS = 25_000;
/** The session is unknown, expired or not ours (RFC 9110 §15.5), if it is the relay that says so: a proxy on the way, or a node
 *  of another version that has no such address, ends nobody's wait. */
const GONE = [401, 403, 404, 410];
const isGone = (answer: Response): boolean =>
  GONE.includes(answer.status) && (answer.headers.get("content-type") ?? "").startsWith("application/problem+json");

export class Relay implements Backend {
  #hearer: Hearer | undefined;
  #socket: WebSocket | undefined;
  #attempt = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #looking = false;
  #gone = false;
  /** A device report the relay has not heard yet. */
  #unsaid: DeviceReport | undefined;

  begin(hearer: Hearer): void {
    this.#hearer = hearer;
    window.addEventListener("online", () => this.look());
    window.addEventListener("offline", () => this.#lost());
    // A page kept in the back-forward cache comes back with a dead socket.
    window.addEventListener("pageshow", (event) => event.persisted && this.look());
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.look());
    setInterval(() => this.look(), CHECK_MS);
    this.look();
  }

  look(): void {
    if (!this.#looking && !this.#gone) void this.#look();
  }

  async #look(): Promise<void> {
    this.#looking = true;
    clearTimeout(this.#retry);
    try {
      const answer = await this.#ask("GET", "visit");
      if (isGone(answer)) return this.#end();
      const view = answer.ok ? viewOf(await answer.json()) : undefined;
      if (!view) return this.#lost();
      this.#hearer?.view(view);
      this.#listen();
      void this.#tell();
    } catch {
      this.#lost();
    } finally {
      this.#looking = false;
    }
  }

  #ask(method: "GET" | "POST", name: string, body?: unknown, deadline = DEADLINE_MS): Promise<Response> {
    return fetch(`${API}${name}`, {
      method,
      ...(body !== undefined && { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
      cache: "no-store",
      keepalive: method === "POST",
      signal: AbortSignal.timeout(deadline),
    });
  }

  #listen(): void {
    if (this.#socket && this.#socket.readyState <= WebSocket.OPEN) return;
    const address = new URL(`${API}socket`, document.baseURI);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(address);
    this.#socket = socket;
    socket.onopen = () => {
      this.#attempt = 0;
      this.#hearer?.connection("live");
    };
    socket.onmessage = (message) => {
      const view = parsed(message.data);
      if (view) this.#hearer?.view(view);
    };
    socket.onclose = () => this.#socket === socket && this.#lost();
  }

  /** No socket: say so, and try again after a wait. */
  #lost(): void {
    if (this.#gone) return;
    const old = this.#socket;
    this.#socket = undefined;
    old?.close();
    this.#hearer?.connection("reconnecting");
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.look(), waitBefore(this.#attempt, Math.random()));
    this.#attempt += 1;
  }

  #end(): void {
    this.#gone = true;
    const old = this.#socket;
    this.#socket = undefined;
    old?.close();
    this.#hearer?.gone();
  }

  ready(): Promise<Outcome> {
    return this.#press("ready");
  }

  leave(): Promise<Outcome> {
    return this.#press("leave");
  }

  help(): Promise<Outcome> {
    return this.#press("help");
  }

  answer(message: string, answer: PresetAnswer): Promise<Outcome> {
    return this.#press("answer", { message, answer });
  }

  takeOver(): Promise<Outcome> {
    return this.#press("take-over");
  }

  /** Every press is answered by a fresh view; where it is not, one is fetched. */
  async #press(name: string, body?: unknown): Promise<Outcome> {
    try {
      const answer = await this.#ask("POST", name, body);
      const view = parsed(await answer.text());
      if (view) this.#hearer?.view(view);
      else await this.#look();
      return answer.ok ? "accepted" : "not-now";
    } catch {
      return "unreachable";
    }
  }

  report(report: DeviceReport): void {
    this.#unsaid = report;
    void this.#tell();
  }

  /** The newest report only; one that does not get through waits for the next look. */
  async #tell(): Promise<void> {
    const report = this.#unsaid;
    if (!report) return;
    this.#unsaid = undefined;
    const heard = await this.#ask("POST", "devices", report).then(
      (answer) => answer.status < 500,
      () => false,
    );
    if (!heard) this.#unsaid ??= report;
  }

  probe(): Promise<Line> {
    return probe(`${API}probe`);
  }

  async openMeeting(joinUrl: string, leaving: () => void): Promise<Opening> {
    const address = webAddress(joinUrl);
    if (!address) return "no-address";
    if (!(await this.#handOver())) {
      await this.#look();
      return "not-now";
    }
    leaving();
    window.location.assign(address);
    return "opened";
  }

  /** The roster's guest is this person only if the relay has heard of it, and has sent nobody else at the same time: who is
   *  refused waits on. Where the relay cannot be asked, a beacon outlives the page; and if even that fails, keeping them out
   *  of the visit would be worse. */
  async #handOver(): Promise<boolean> {
    const until = Date.now() + HANDOVER_MS;
    for (let left = HANDOVER_MS; left > 0; left = until - Date.now()) {
      const status = await this.#ask("POST", "handed-over", undefined, left).then(
        (answer) => answer.status,
        () => undefined,
      );
      if (status !== undefined && status < 500 && status !== 429) return status < 400;
      await new Promise((done) => setTimeout(done, HANDOVER_AGAIN_MS));
    }
    navigator.sendBeacon(`${API}handed-over`);
    return true;
  }
}
