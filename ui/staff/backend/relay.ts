// The relay over fetch and a websocket. A message of the socket is a new list, or a hint that there is one to fetch.
import type { LateRequest, SayRequest, StaffMe, StaffView } from "../../shared/protocol";
import { waitBefore } from "../../shared/reconnect";
import type { Backend, Hearer, Outcome, Refusal } from "./backend";

/** Beside the page, wherever the relay serves it. */
const API = `${import.meta.env.BASE_URL}api/`;
/** An answer later than this counts as none. */
const DEADLINE_MS = 8_000;
/** Sleeping machines leave sockets that look alive: a look this often finds them out. */
const CHECK_MS = 25_000;

export class Relay implements Backend {
  #hearer: Hearer | undefined;
  #socket: WebSocket | undefined;
  #attempt = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #looking = false;
  /** A hint came while a look was under way. */
  #again = false;
  #known = false;
  #over = false;

  begin(hearer: Hearer): void {
    this.#hearer = hearer;
    window.addEventListener("online", () => this.#look());
    window.addEventListener("offline", () => this.#lost());
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.#look());
    setInterval(() => this.#look(), CHECK_MS);
    this.#look();
  }

  #look(): void {
    if (this.#over) return;
    this.#again = this.#looking;
    if (!this.#looking) void this.#fetch();
  }

  async #fetch(): Promise<void> {
    this.#looking = true;
    clearTimeout(this.#retry);
    try {
      if (!this.#known) {
        const me = await this.#get<StaffMe>("me");
        if (!me) return;
        this.#known = true;
        this.#hearer?.me(me);
      }
      const view = await this.#get<StaffView>("visits");
      if (!view) return;
      this.#hearer?.view(view);
      this.#listen();
    } catch {
      this.#lost();
    } finally {
      this.#looking = false;
      if (this.#again) this.#look();
    }
  }

  /** Nothing where the relay refuses for good; throws where it may answer later. */
  async #get<T>(name: string): Promise<T | undefined> {
    const answer = await fetch(`${API}${name}`, { cache: "no-store", signal: AbortSignal.timeout(DEADLINE_MS) });
    if (answer.status === 401) return this.#end("signed-out");
    if (answer.status === 403) return this.#end("no-role");
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    return (await answer.json()) as T;
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
      // What happened between the list and the socket.
      this.#look();
    };
    socket.onmessage = (message) => {
      const view = listOf(message.data);
      if (view) this.#hearer?.view(view);
      else this.#look();
    };
    socket.onclose = () => this.#socket === socket && this.#lost();
  }

  #lost(): void {
    if (this.#over) return;
    const old = this.#socket;
    this.#socket = undefined;
    old?.close();
    this.#hearer?.connection("reconnecting");
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#look(), waitBefore(this.#attempt, Math.random()));
    this.#attempt += 1;
  }

  #end(refusal: Refusal): undefined {
    this.#over = true;
    const old = this.#socket;
    this.#socket = undefined;
    old?.close();
    this.#hearer?.refused(refusal);
  }

  room(visit: string): Promise<Outcome> {
    return this.#post(`visits/${encodeURIComponent(visit)}/room`);
  }

  help(visit: string): Promise<Outcome> {
    return this.#post(`visits/${encodeURIComponent(visit)}/help`);
  }

  say(visit: string, what: SayRequest): Promise<Outcome> {
    return this.#post(`visits/${encodeURIComponent(visit)}/say`, what);
  }

  late(what: LateRequest): Promise<Outcome> {
    return this.#post("late", what);
  }

  async #post(name: string, body: object = {}): Promise<Outcome> {
    try {
      const answer = await fetch(`${API}${name}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(DEADLINE_MS),
      });
      if (answer.status === 401) this.#end("signed-out");
      this.#look();
      return answer.ok ? "accepted" : "refused";
    } catch {
      return "unreachable";
    }
  }
}

/** A list as the socket says it; nothing where the message is only a hint. */
function listOf(data: unknown): StaffView | undefined {
  try {
    const value: unknown = JSON.parse(String(data));
    return typeof value === "object" && value !== null && "rows" in value && "now" in value ? (value as StaffView) : undefined;
  } catch {
    return undefined;
  }
}
