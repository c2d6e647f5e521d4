// Times in the patient's words. Pure: the caller passes the relay's time in.
import type { Words } from "./words";

const MINUTE = 60_000;

/** `02:05`, then from one hour `1 h 05 min`. Never negative. */
export function elapsed(since: string, relayNow: number, words: Words): string {
  const seconds = Math.max(0, Math.floor((relayNow - Date.parse(since)) / 1000));
  const two = (n: number) => String(n).padStart(2, "0");
  if (seconds < 3600) return `${two(Math.floor(seconds / 60))}:${two(seconds % 60)}`;
  return words.hours(Math.floor(seconds / 3600), two(Math.floor((seconds % 3600) / 60)));
}

/** Whole minutes until an instant, at least 1 while it lies ahead, 0 after. */
export function minutesUntil(at: string, relayNow: number): number {
  return Math.max(0, Math.ceil((Date.parse(at) - relayNow) / MINUTE));
}

/** `10:30` or `10:30 AM`, as the device's own language writes it, in the device's own time zone. */
export function timeOfDay(at: string, language?: string): string {
  return new Intl.DateTimeFormat(language, { hour: "numeric", minute: "2-digit" }).format(Date.parse(at));
}

/** `Today`, `Tomorrow`, or the weekday with the date. */
export function dayOf(at: string, relayNow: number, words: Words, language?: string): string {
  const day = (ms: number) => {
    const d = new Date(ms);
    return Math.round(Date.UTC(d.getFullYear(), d.getMonth(), d.getDate()) / 86_400_000);
  };
  const ahead = day(Date.parse(at)) - day(relayNow);
  if (ahead === 0) return words.today;
  if (ahead === 1) return words.tomorrow;
  return new Intl.DateTimeFormat(language, { weekday: "long", day: "numeric", month: "long" }).format(Date.parse(at));
}
