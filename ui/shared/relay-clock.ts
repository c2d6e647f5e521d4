// The relay's clock as this device sees it. Pure.

/** Milliseconds the relay is ahead of this device; taken anew with every view, so a sleeping machine catches up. */
export function offsetOf(relayNow: string, deviceNow: number): number {
  const relay = Date.parse(relayNow);
  return Number.isNaN(relay) ? 0 : relay - deviceNow;
}
