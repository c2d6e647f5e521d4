// The rules of the steps: every stage of the relay against everything the page may remember.
import { describe, expect, it } from "vitest";
import { viewOf } from "./backend/view";
import { atFirst, dotOf, mayUseDevices, practiceScreen, press, screenOf, settle, steps, type Local } from "./steps";

const view = (stage: object) =>
  viewOf({ organization: "Northside Health", start: "2026-11-22T10:30:00Z", now: "2026-11-22T10:21:00Z", ...stage })!;
const tooEarly = view({ stage: "too-early", opens_at: "2026-11-22T10:25:00Z" });
const canBeReady = view({ stage: "can-be-ready" });
const waiting = view({ stage: "waiting", since: "2026-11-22T10:20:00Z", told: "clinician" });
const called = view({ stage: "called", join_url: "https://teams.example/a" });
const inMeeting = view({ stage: "in-meeting", join_url: "https://teams.example/a" });
const ended = view({ stage: "ended" });
const cancelled = view({ stage: "cancelled" });
const elsewhere = view({ stage: "another-device" });
const everyView = [tooEarly, canBeReady, waiting, called, inMeeting, elsewhere, ended, cancelled];
const local = (over: Partial<Local> = {}): Local => ({ ...atFirst, ...over });

describe("the way from the door to the waiting room", () => {
  it("goes one screen at a time", () => {
    let now = atFirst;
    expect(screenOf(canBeReady, false, now)).toBe("place");
    now = press(now, "start");
    expect(screenOf(canBeReady, false, now)).toBe("devices");
    now = press(now, "on");
    expect(screenOf(canBeReady, false, now)).toBe("speaker");
    now = press(now, "on");
    expect(screenOf(canBeReady, false, now)).toBe("checked");
    now = press(now, "on");
    expect(screenOf(canBeReady, false, now)).toBe("ready");
    expect(screenOf(waiting, false, settle(now, waiting))).toBe("waiting");
    expect(screenOf(called, false, settle(now, called))).toBe("called");
    now = press(now, "handed-over");
    expect(screenOf(called, false, settle(now, called))).toBe("in-meeting");
  });

  it("tests devices before the time without offering to be ready", () => {
    expect(screenOf(tooEarly, false, local({ step: "place" }))).toBe("place");
    for (const test of ["devices", "speaker", "checked"] as const) {
      expect(screenOf(tooEarly, false, local({ step: test }))).toBe(test);
    }
    expect(screenOf(tooEarly, false, local({ step: "ready" }))).toBe("too-early");
    // The window opens while they look on: the button comes by itself.
    expect(screenOf(canBeReady, false, settle(local({ step: "ready" }), canBeReady))).toBe("ready");
  });
});

describe("the relay wins", () => {
  it("over everything the page remembers", () => {
    for (const step of steps) {
      for (const testing of [undefined, "devices", "checked"] as const) {
        const now = local({ step, testing });
        expect(screenOf(ended, false, now)).toBe("ended");
        expect(screenOf(cancelled, false, now)).toBe("cancelled");
        expect(screenOf(elsewhere, false, now)).toBe("another-device");
        expect(screenOf(inMeeting, false, now)).toBe("in-meeting");
        expect(screenOf(called, false, now)).toBe(step === "handed-over" ? "in-meeting" : "called");
        expect(screenOf(undefined, true, now)).toBe("gone");
        expect(screenOf(undefined, false, now)).toBe("connecting");
      }
    }
  });

  it("takes a patient out of a second test when the clinician comes", () => {
    const now = press(settle(local({ step: "ready" }), waiting), "test-again");
    expect(screenOf(waiting, false, now)).toBe("devices");
    expect(screenOf(called, false, settle(now, called))).toBe("called");
  });
});

describe("a meeting is opened by itself at most once a call", () => {
  it("not again after a reload that followed the hand-over", () => {
    expect(screenOf(called, false, settle(local({ step: "handed-over" }), called))).toBe("in-meeting");
  });

  it("but again when the clinician had left and calls anew", () => {
    const back = settle(local({ step: "handed-over", held: true }), waiting);
    expect(screenOf(waiting, false, back)).toBe("waiting");
    expect(screenOf(called, false, settle(back, called))).toBe("called");
    expect(back.held).toBe(false);
  });
});

it("a view heard twice changes nothing more", () => {
  for (const step of steps) {
    for (const one of everyView) {
      const once = settle(local({ step, testing: "speaker", held: true }), one);
      expect(settle(once, one)).toEqual(once);
    }
  }
});

it("a second test returns to where it was opened", () => {
  let now = press(local({ step: "ready" }), "test-again");
  for (const test of ["devices", "speaker", "checked"] as const) {
    expect(screenOf(waiting, false, now)).toBe(test);
    now = press(now, "on");
  }
  expect(now).toEqual(local({ step: "ready" }));
  // From the first test it begins anew, without a second way through it.
  expect(press(local({ step: "checked" }), "test-again")).toEqual(local({ step: "devices" }));
});

it("who has left stays out until they come back or are waited for anew", () => {
  const now = press(local({ step: "ready", testing: "checked" }), "left");
  expect(screenOf(canBeReady, false, settle(now, canBeReady))).toBe("left");
  expect(screenOf(tooEarly, false, settle(now, tooEarly))).toBe("left");
  expect(screenOf(canBeReady, false, press(now, "come-back"))).toBe("ready");
  // They said it on another device.
  expect(screenOf(waiting, false, settle(now, waiting))).toBe("waiting");
  expect(screenOf(called, false, settle(now, called))).toBe("called");
});

it("a test without a visit goes its own way, and never to a button that is an arrival", () => {
  let now = atFirst;
  const seen = [practiceScreen(now)];
  for (const button of ["start", "on", "on", "on", "test-again", "on", "on", "on"] as const) {
    now = press(now, button);
    seen.push(practiceScreen(now));
  }
  expect(seen).toEqual(["practice", "devices", "speaker", "checked", "practised", "devices", "speaker", "checked", "practised"]);
});

it("the camera is let go once the clinician is there, and where nobody looks", () => {
  for (const screen of ["called", "in-meeting", "ended", "cancelled", "gone", "place", "connecting", "another-device", "left", "practised"] as const) {
    expect(mayUseDevices(screen)).toBe(false);
  }
});

it("dots never go back on the way ahead", () => {
  const way = ["place", "devices", "speaker", "checked", "ready", "waiting", "called", "in-meeting"] as const;
  expect(way.map(dotOf)).toEqual([1, 2, 2, 2, 3, 4, 4, 4]);
});
