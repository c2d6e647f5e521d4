// A small look at the line to the relay: some round trips, 64 KiB each way. Judging is pure. It measures the way to the
// relay, not to Teams: enough to find a dead or a very slow network before the clinician does.

/** `weak`: a voice will get through, a picture may stop. */
export type Line = "good" | "weak" | "failed";

export interface Measured {
  /** Milliseconds from question to answer, each on the open connection. */
  roundTrips: number[];
  downKbps: number;
  upKbps: number;
}

const BYTES = 65_536;
const ROUND_TRIPS = 4;
const DEADLINE_MS = 12_000;
/** A picture of fair quality between two people wants about this much each way; a voice a tenth of it. */
const PICTURE_KBPS = 600;
/** Longer than this and people talk into each other (ITU-T G.114 puts the limit at 400 ms one way, all told). */
const SLOW_MS = 400;

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Infinity;
}

/** `undefined`: nothing came through in time. */
export function judge(measured: Measured | undefined): Line {
  if (!measured || measured.roundTrips.length === 0) return "failed";
  const quick = median(measured.roundTrips) <= SLOW_MS;
  return quick && measured.downKbps >= PICTURE_KBPS && measured.upKbps >= PICTURE_KBPS ? "good" : "weak";
}

/** Bits in a millisecond are kilobits in a second. The wait for the first byte is no fault of the line's width. */
export function kbps(bytes: number, ms: number, roundTrip: number): number {
  return (bytes * 8) / Math.max(1, ms - Math.min(roundTrip, ms / 2));
}

/** Throws where anything is refused or too late. */
async function measure(address: string): Promise<Measured> {
  const signal = AbortSignal.timeout(DEADLINE_MS);
  const ask = async (init: RequestInit) => {
    const begin = performance.now();
    const answer = await fetch(address, { ...init, cache: "no-store", signal });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    const body = await answer.arrayBuffer();
    return { ms: performance.now() - begin, bytes: body.byteLength };
  };
  const roundTrips: number[] = [];
  // The first one opens the connection and is not counted.
  for (let n = 0; n <= ROUND_TRIPS; n += 1) {
    const { ms } = await ask({ method: "POST" });
    if (n > 0) roundTrips.push(ms);
  }
  const once = median(roundTrips);
  const down = await ask({ method: "GET" });
  const up = await ask({ method: "POST", body: crypto.getRandomValues(new Uint8Array(BYTES)) });
  return { roundTrips, downKbps: kbps(down.bytes, down.ms, once), upKbps: kbps(BYTES, up.ms, once) };
}

/** `address`: the relay's probe. */
export async function probe(address: string): Promise<Line> {
  return judge(await measure(address).catch(() => undefined));
}
