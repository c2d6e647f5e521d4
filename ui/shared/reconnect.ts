// How long to wait before the next try. Pure. Half of each wait is fixed and half is chance ("equal jitter"), so a relay
// that comes back is not met by every waiting patient in the same instant, and nobody waits for long.
const FIRST_MS = 500;
const LONGEST_MS = 10_000;

/** `attempt` counts from 0; `chance` is in [0, 1). */
export function waitBefore(attempt: number, chance: number): number {
  const ceiling = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempt, 16));
  return ceiling / 2 + (ceiling / 2) * chance;
}
