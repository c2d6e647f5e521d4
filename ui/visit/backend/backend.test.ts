// The pure half of the backend: waits between tries, the one address the page leaves for, and what a reload keeps.
import { expect, it } from "vitest";
import { recall } from "../remembered";
import { webAddress } from "./join-url";
import { waitBefore } from "./reconnect";

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
