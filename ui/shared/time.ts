// Times as people read them. Wait clocks run on the relay's clock: `offsetMs` is relay minus workstation.
// Nothing here reads the clock; pass `now` in (the ticker in ticker.svelte.ts does).

import type { WaitThresholds } from "./protocol";

/** When waiting becomes long: Roomed's defaults until an organization's own thresholds are known. */
export const thresholds = { longMinutes: 5, tooLongMinutes: 12 };

/** The organization's own, for the clocks, which count in minutes. */
export function limitsOf(waiting: WaitThresholds | undefined): typeof thresholds | undefined {
  return waiting && { longMinutes: waiting.long_seconds / 60, tooLongMinutes: waiting.too_long_seconds / 60 };
}

export type WaitLevel = "neutral" | "long" | "too-long";

const minute = 60_000;

/** Milliseconds somebody has waited, never negative: clocks may disagree by a moment. */
export function waited(since: string, now: number, offsetMs = 0): number {
  return Math.max(0, now + offsetMs - Date.parse(since));
}

/** `4:07` under ten minutes, then `12 min`, then `1 h 05 min`. */
export function waitText(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const minutes = Math.floor(seconds / 60);
  if (minutes < 10) return `${String(minutes).padStart(2, "0")}:${String(seconds % 60).padStart(2, "0")}`;
  if (minutes < 60) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}

/** The same for a screen reader, by the minute, so that it is not read out every second. */
export function waitSpoken(ms: number): string {
  const minutes = Math.floor(ms / minute);
  if (minutes < 1) return "less than a minute";
  return minutes === 1 ? "1 minute" : `${minutes} minutes`;
}

/** Which word, shape and colour a wait carries. */
export function waitLevel(ms: number, limits = thresholds): WaitLevel {
  if (ms >= limits.tooLongMinutes * minute) return "too-long";
  return ms >= limits.longMinutes * minute ? "long" : "neutral";
}

const hourMinute = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const birthDate = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "long", year: "numeric", timeZone: "UTC" });

/** `10:30`, in the reader's time zone. */
export function clockTime(rfc3339: string): string {
  return hourMinute.format(new Date(rfc3339));
}

/** How old a piece of evidence is: `just now`, `3 min ago`, then the time it is from. */
export function age(since: string, now: number, offsetMs = 0): string {
  const minutes = Math.floor(waited(since, now, offsetMs) / minute);
  if (minutes < 1) return "just now";
  return minutes < 60 ? `${minutes} min ago` : `since ${clockTime(since)}`;
}

/** A FHIR `date` (which may be a year, or year and month) as words; an unreadable one as it came. */
export function dateOfBirth(fhirDate: string): string {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(fhirDate)) return fhirDate;
  return birthDate.format(new Date(`${fhirDate}T00:00:00Z`));
}
