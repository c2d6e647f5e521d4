// Days as the portal's fields hold them, `2026-11-23`, and what they mean to the relay. Pure.

const MS = 86_400_000;

/** The day of a moment, in the reader's zone. */
export function dayOf(ms: number): string {
  const at = new Date(ms);
  const two = (n: number) => String(n).padStart(2, "0");
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

/** So many days before. */
export function daysBefore(ms: number, days: number): string {
  return dayOf(ms - days * MS);
}

/** RFC 3339 of the day's beginning, or nothing where it is no day. */
export function dayStart(day: string): string | undefined {
  const at = new Date(`${day}T00:00:00`);
  return isDay(day) && !Number.isNaN(at.getTime()) ? at.toISOString() : undefined;
}

/** RFC 3339 of the next day's beginning: a day belongs to itself as a whole. */
export function dayEnd(day: string): string | undefined {
  const at = new Date(`${day}T00:00:00`);
  if (!isDay(day) || Number.isNaN(at.getTime())) return undefined;
  at.setDate(at.getDate() + 1);
  return at.toISOString();
}

export function isDay(text: string): boolean {
  return /^\d{4}-\d{2}-\d{2}$/.test(text);
}

const both = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

/** `23 Nov 2026, 09:32`, in the reader's zone. */
export function moment(rfc3339: string): string {
  return both.format(new Date(rfc3339));
}
