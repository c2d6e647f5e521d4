// The pure half of the backend: waits between tries, the one address the page leaves for, and what a reload keeps.
import { expect, it } from "vitest";
import { recall } from "../remembered";
import { webAddress } from "./join-url";
import { isPractice } from "./practice";
import { judge, kbps, median } from "./probe";
import { waitBefore } from "../../shared/reconnect";
import { parsed } from "./view";

it("waits longer each time, never the same for everybody, and never long", () => {
  for (let attempt = 0; attempt < 40; attempt += 1) {
    const [least, most] = [waitBefore(attempt, 0), waitBefore(attempt, 0.999)];
    expect(least).toBeGreaterThanOrEqual(250);
    expect(most).toBeLessThanOrEqual(10_000);
    expect(most).toBeGreaterThan(least * 1.9);
  }
  expect(waitBefore(3, 0.5)).toBeGreaterThan(waitBefore(2, 0.5));
});

it("leaves for a web address and for nothing else", () => {
  expect(webAddress("https://teams.example/l/meetup-join/x?context=y")).toBe("https://teams.example/l/meetup-join/x?context=y");
  expect(webAddress("http://127.0.0.1:8500/webrtc-svc/api/route?x=1")).toBe("http://127.0.0.1:8500/webrtc-svc/api/route?x=1");
  for (const refused of ["javascript:alert(1)", "data:text/html,x", "msteams:/l/x", "http://teams.example/x", "/x", ""]) {
    expect(webAddress(refused)).toBeUndefined();
  }
});

it("remembers a step and device labels, and takes nothing else back", () => {
  expect(recall(null)).toEqual({ step: "place" });
  expect(recall("{")).toEqual({ step: "place" });
  expect(recall('{"step":"root"}')).toEqual({ step: "place" });
  expect(recall('{"step":"ready","camera":"FaceTime","microphone":7,"name":"x"}')).toEqual({ step: "ready", camera: "FaceTime" });
});

it("judges the line: what a picture needs is good, less is weak, nothing is failed", () => {
  const line = (roundTrip: number, downKbps: number, upKbps: number) => judge({ roundTrips: [roundTrip, roundTrip], downKbps, upKbps });
  expect(line(40, 5000, 2000)).toBe("good");
  expect(line(40, 5000, 300)).toBe("weak");
  expect(line(40, 300, 5000)).toBe("weak");
  expect(line(900, 5000, 5000)).toBe("weak");
  expect(judge(undefined)).toBe("failed");
  expect(judge({ roundTrips: [], downKbps: 9, upKbps: 9 })).toBe("failed");
  // One slow answer among quick ones is no slow line.
  expect(median([30, 2000, 35, 40])).toBeLessThan(100);
  expect(kbps(65_536, 1100, 100)).toBeCloseTo(524, 0);
  expect(kbps(65_536, 100, 100)).toBeCloseTo(10_486, 0);
});

it("knows the test without a visit by its address alone", () => {
  expect(isPractice("/o/northside/test")).toBe(true);
  expect(isPractice("/o/northside/test/")).toBe(true);
  for (const other of ["/v/", "/o/northside/patient", "/o/northside/test/x", "/o//test", "/x/o/northside/test"]) {
    expect(isPractice(other)).toBe(false);
  }
});

it("takes a view of the version before, and nothing that is none", () => {
  const view = parsed('{"organization":"N","start":"s","now":"n","stage":"can-be-ready"}');
  expect(view).toMatchObject({ role: "patient", messages: [], group: false, texts: {} });
  for (const none of ["{", "null", '{"stage":"ended"}', "7"]) expect(parsed(none)).toBeUndefined();
});
