// Times as the patient reads them.
import { expect, it } from "vitest";
import { offsetOf } from "../shared/relay-clock";
import { dayOf, elapsed, minutesUntil, timeOfDay } from "./clock";
import { en as words } from "./words/en";

const start = "2026-11-22T10:30:00Z";
const at = (text: string) => Date.parse(text);

it("runs on the relay's clock, whatever the phone's says", () => {
  const phone = at("2026-11-22T12:00:00Z");
  const offset = offsetOf("2026-11-22T10:33:10Z", phone);
  expect(elapsed(start, phone + offset, words)).toBe("03:10");
  expect(offsetOf("nonsense", phone)).toBe(0);
});

it("never runs backwards below zero, and changes to hours", () => {
  expect(elapsed(start, at("2026-11-22T10:29:00Z"), words)).toBe("00:00");
  expect(elapsed(start, at("2026-11-22T11:29:59Z"), words)).toBe("59:59");
  expect(elapsed(start, at("2026-11-22T11:35:00Z"), words)).toBe("1 h 05 min");
});

it("counts minutes ahead, at least one until the time has come", () => {
  expect(minutesUntil(start, at("2026-11-22T10:29:59Z"))).toBe(1);
  expect(minutesUntil(start, at(start))).toBe(0);
  expect(words.minutes(1)).toBe("in 1 minute");
  expect(words.minutes(150)).toBe("in about 3 hours");
});

it("names the day", () => {
  expect(dayOf(start, at("2026-11-22T09:00:00Z"), words)).toBe("Today");
  expect(dayOf(start, at("2026-11-21T10:00:00Z"), words)).toBe("Tomorrow");
  expect(dayOf(start, at("2026-11-18T10:00:00Z"), words, "en-GB")).toContain("22 November");
  expect(timeOfDay(start, "en-GB")).toMatch(/^\d\d:30$/);
});
