// How waiting is said: the figures, the thresholds, the relay's clock.
import { describe, expect, test } from "vitest";
import { age, dateOfBirth, limitsOf, waited, waitLevel, waitSpoken, waitText } from "./time";

const minute = 60_000;

describe("the wait clock", () => {
  test.each([
    [0, "00:00"],
    [7_000, "00:07"],
    [4 * minute + 7_999, "04:07"],
    [10 * minute - 1, "09:59"],
    [10 * minute, "10 min"],
    [12 * minute + 59_000, "12 min"],
    [60 * minute, "1 h 00 min"],
    [65 * minute, "1 h 05 min"],
  ])("after %d ms says %s", (ms, words) => expect(waitText(ms)).toBe(words));

  test.each([
    [5 * minute - 1, "neutral"],
    [5 * minute, "long"],
    [12 * minute - 1, "long"],
    [12 * minute, "too-long"],
  ])("after %d ms is %s", (ms, level) => expect(waitLevel(ms)).toBe(level));

  test("takes an organization's own thresholds", () => {
    expect(waitLevel(3 * minute, { longMinutes: 2, tooLongMinutes: 4 })).toBe("long");
  });

  test("runs on the relay's clock, and never below zero", () => {
    const since = "2026-11-23T09:30:00Z";
    const workstation = Date.parse("2026-11-23T09:20:00Z"); // ten minutes slow
    expect(waited(since, workstation, 11 * minute)).toBe(minute);
    expect(waited(since, workstation, 0)).toBe(0);
  });

  test("is spoken by the minute", () => {
    expect(waitSpoken(30_000)).toBe("less than a minute");
    expect(waitSpoken(minute)).toBe("1 minute");
    expect(waitSpoken(12 * minute)).toBe("12 minutes");
  });
});

test("the age of a piece of evidence", () => {
  const now = Date.parse("2026-11-23T09:30:00Z");
  expect(age("2026-11-23T09:29:30Z", now)).toBe("just now");
  expect(age("2026-11-23T09:27:00Z", now)).toBe("3 min ago");
  expect(age("2026-11-23T08:00:00Z", now)).toMatch(/^since \d\d:\d\d$/);
});

test("birth dates as FHIR allows them", () => {
  expect(dateOfBirth("1987-09-12")).toBe("12 September 1987");
  expect(dateOfBirth("1987-09")).toBe("1987-09");
  expect(dateOfBirth("1987")).toBe("1987");
});

test("the organization's own thresholds", () => {
  expect(limitsOf({ long_seconds: 120, too_long_seconds: 600 })).toEqual({ longMinutes: 2, tooLongMinutes: 10 });
  expect(limitsOf(undefined)).toBeUndefined();
  expect(waitLevel(3 * minute, limitsOf({ long_seconds: 120, too_long_seconds: 600 }))).toBe("long");
});
