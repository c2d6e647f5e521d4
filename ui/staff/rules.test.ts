// The rules and filters of the staff page: who waits, what can be pressed, and what an address may carry.
import { describe, expect, it } from "vitest";
import { departments, scenarios } from "./backend/scenarios";
import { cliniciansOf, departmentsOf, digest, everything, fromAddress, grouped, passes, toAddress } from "./filters";
import { isOver, mayBeLate, mayRoom, newlyWaiting, reachable, stateOf, waitingSince, wantOf } from "./rules";
import { signInAddress } from "./sign-in";

const now = Date.parse("2026-11-23T09:30:00Z");
const rows = scenarios["morning"]!(now);
const row = (id: string) => rows.find((one) => one.id === id)!;

describe("a row", () => {
  it("says how it stands, in a word that is not only a colour", () => {
    const words = rows.map((one) => [one.id, stateOf(one).word]);
    expect(Object.fromEntries(words)).toEqual({
      help: "Patient ready",
      unlinked: "Patient ready",
      unanswered: "Patient ready",
      "in-visit": "In visit",
      ready: "Patient ready",
      roomed: "Patient ready, roomed",
      later: "Planned",
      "no-department": "Planned",
      done: "Finished",
      left: "No-show",
    });
    expect(stateOf({ ...row("done"), closing: true }).word).toBe("Ending");
    const gone = { ...row("left"), stage: "arrived" as const };
    expect(stateOf(gone).word).toBe("Left unseen");
    expect(stateOf({ ...row("ready"), participants: row("ready").participants.map((one) => ({ ...one, role: "proxy" as const })) }).word).toBe("Proxy ready");
  });

  it("waits from the arrival on, and not once somebody is in or it is over", () => {
    expect(waitingSince(row("help"))).toBe("2026-11-23T09:26:00.000Z");
    for (const id of ["in-visit", "later", "done", "left"]) expect(waitingSince(row(id))).toBeUndefined();
    expect(waitingSince({ ...row("help"), closing: true })).toBeUndefined();
    // Who left and came back has not waited since the first arrival.
    const back = { ...row("help"), arrived_at: "2026-11-23T08:00:00.000Z" };
    expect(waitingSince(back)).toBe("2026-11-23T09:26:00.000Z");
    // An interpreter who waits is nobody who is waited for.
    const guest = { ...row("help"), participants: [{ ...row("help").participants[0]!, role: "interpreter" as const }] };
    expect(waitingSince(guest)).toBeUndefined();
  });

  it("offers only what makes sense", () => {
    expect(rows.filter(mayRoom).map((one) => one.id)).toEqual(["help", "unlinked", "unanswered", "ready"]);
    expect(rows.filter(mayBeLate).map((one) => one.id)).not.toContain("in-visit");
    expect(rows.filter(isOver).map((one) => one.id)).toEqual(["done", "left"]);
    expect(reachable(row("in-visit")).map((one) => one.role)).toEqual(["patient", "interpreter"]);
    expect(reachable(row("done"))).toEqual([]);
  });

  it("on top says why and what to do; a word of a later relay as well", () => {
    expect(wantOf(row("unlinked"))?.todo).toContain("has not linked Roomed");
    expect(wantOf(row("ready"))).toBeUndefined();
    expect(wantOf({ ...row("ready"), called_off_at: "2026-03-02T10:00:00Z" })?.todo).toContain("book it again");
    expect(wantOf({ ...row("ready"), urgency: "of-later" as never })?.word).toBe("Wants somebody");
  });
});

it("announces who came to wait, and nobody twice", () => {
  const before = rows.filter((one) => one.id !== "ready");
  expect(newlyWaiting(before, rows).map((one) => one.id)).toEqual(["ready"]);
  expect(newlyWaiting(rows, rows)).toEqual([]);
  const unanswered = rows.map((one) => (one.id === "ready" ? { ...one, urgency: "unanswered" as const } : one));
  expect(newlyWaiting(rows, unanswered).map((one) => one.id)).toEqual(["ready"]);
});

describe("filters", () => {
  it("survive the address and carry no name in it", () => {
    const filters = { show: "waiting", department: "20", clinician: digest("Dr. Rivera"), group: "clinician" } as const;
    const address = toAddress(filters, "?scenario=morning");
    expect(fromAddress(address)).toEqual(filters);
    expect(address).toContain("scenario=morning");
    expect(address).not.toMatch(/Rivera/i);
    expect(toAddress(everything, address)).toBe("?scenario=morning");
  });

  it("take nothing from an address that is not theirs", () => {
    expect(fromAddress("?show=<b>&clinician=Rivera&group=x&department=" + "9".repeat(999))).toEqual({
      ...everything,
      department: "9".repeat(128),
    });
  });

  it("let through what they say", () => {
    const ids = (filters: Partial<typeof everything>) => rows.filter((one) => passes(one, { ...everything, ...filters })).map((one) => one.id);
    expect(ids({})).not.toContain("done");
    expect(ids({ show: "all" })).toContain("done");
    expect(ids({ show: "wanting" })).toEqual(["help", "unlinked", "unanswered"]);
    expect(ids({ show: "waiting", department: "10" })).toEqual(["unlinked", "ready"]);
    expect(ids({ clinician: digest("Dr. Lindqvist") })).toEqual(["unanswered"]);
  });

  it("offer every clinician and every department that may be seen", () => {
    expect(cliniciansOf(rows)).toEqual(["Dr. Lindqvist", "Dr. Okafor", "Dr. Rivera"]);
    expect(departmentsOf([], [departments.family]).map((one) => one.id)).toEqual(["10"]);
    expect(departmentsOf(rows, null).map((one) => one.name)).toEqual(["Cardiology", "Family medicine"]);
    expect(grouped(rows, "clinician").map(([name]) => name)).toEqual(["Dr. Rivera", "Dr. Okafor", "Dr. Lindqvist", ""]);
  });
});

it("signs in at an organization's own address and nowhere else", () => {
  expect(signInAddress("?o=northside")).toBe("/o/northside/sign-in?to=staff");
  for (const wrong of ["", "?o=", "?o=//evil.example", "?o=a/b", "?o=../x", "?o=A%2fb"]) expect(signInAddress(wrong)).toBeUndefined();
});
