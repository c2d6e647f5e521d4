// The portal's rules without a browser: the rail, days, sums, what is saved as text, and what an address may carry.
import { describe, expect, it } from "vitest";
import { me, records, report, reportOf } from "./backend/scenarios";
import { dayEnd, dayStart, isDay } from "./days";
import { byDepartment, byHour, shown, total } from "./figures";
import { browserOf, hereFindings } from "./here";
import { addressOf, railOf, stepOf } from "./rail";
import { signInAddress } from "./sign-in";
import { recordsText, reportText } from "./texts";
import { fields, markOf, recordKinds } from "./words";
import { writeBacks } from "./backend/scenarios";

const now = Date.parse("2026-11-23T09:30:00Z");
const seen = (name: string) => ({ now: "2026-11-23T09:30:00Z", failed: false, report: reportOf(name, now) });

describe("the rail", () => {
  it("groups what the relay names and this page knows, in the relay's order", () => {
    const lines = railOf(me, undefined).map(([group, all]) => [group, all.map((line) => line.step)]);
    expect(lines).toEqual([
      ["Set up", ["prerequisites", "records"]],
      ["Look after", ["doctor", "write-backs", "ledger", "report"]],
    ]);
  });

  it("is as new as what the doctor has said", () => {
    const states = (name?: string) =>
      Object.fromEntries(railOf(me, name ? seen(name) : undefined).flatMap(([, all]) => all.map((line) => [line.step, line.state])));
    expect(states()).toMatchObject({ prerequisites: "todo", doctor: "open" });
    expect(states("wrong")).toMatchObject({ prerequisites: "attention", doctor: "attention", "write-backs": "attention" });
    expect(states("well")).toMatchObject({ prerequisites: "done", doctor: "open" });
  });

  it("opens the address's step, never one that is not there", () => {
    expect(stepOf("?step=ledger", me)).toBe("ledger");
    for (const other of ["", "?step=policy", "?step=unknown", "?step=constructor"]) expect(stepOf(other, me), other).toBe("prerequisites");
    expect(stepOf("", { ...me, steps: [] })).toBeUndefined();
    expect(addressOf("ledger", "?o=northside&state=parked&step=write-backs")).toBe("?o=northside&step=ledger");
  });
});

describe("a sign-in", () => {
  it("leads to our own address only", () => {
    expect(signInAddress("northside")).toBe("/o/northside/sign-in?to=portal");
    for (const key of [null, undefined, "", "..", "//evil.example", "a/../b", "A", "a?b", "-a"]) expect(signInAddress(key), String(key)).toBeUndefined();
  });
});

describe("days", () => {
  it("are whole, in the reader's zone", () => {
    expect(Date.parse(dayEnd("2026-11-23")!) - Date.parse(dayStart("2026-11-23")!)).toBe(86_400_000);
    for (const day of ["", "2026-13-01", "23.11.2026", "2026-11-23T00:00"]) expect(dayStart(day), day).toBeUndefined();
    expect([isDay("2026-11-23"), isDay("2026-11-23x")]).toEqual([true, false]);
  });
});

describe("the report", () => {
  const view = report("2026-11-01", "2026-11-23");

  it("sums to the same by hour, by department and over all", () => {
    const add = (all: { visits: number; noshow: number; leftUnseen: number }[]) =>
      all.reduce((sum, one) => [sum[0]! + one.visits, sum[1]! + one.noshow, sum[2]! + one.leftUnseen], [0, 0, 0]);
    expect(add(byHour(view))).toEqual(add([total(view)]));
    expect(add(byDepartment(view))).toEqual(add([total(view)]));
  });

  it("weighs averages by visits, and shows an hour without any as such", () => {
    const rows = [
      { hour: 9, visits: 1, met: 1, noshow: 0, left_unseen: 0, waits: 1, waited_seconds: 600, together_seconds: 60 },
      { hour: 11, visits: 3, met: 3, noshow: 0, left_unseen: 0, waits: 3, waited_seconds: 0, together_seconds: 180 },
    ];
    const of = { ...view, hours: rows };
    expect(total(of).wait).toBe(2.5);
    expect(byHour(of).map((one) => [one.label, one.visits, shown(one.wait)])).toEqual([
      ["09:00", 1, "10"],
      ["10:00", 0, "–"],
      ["11:00", 3, "0"],
    ]);
  });

  it("says where the department is not known, and has no average where nobody knows", () => {
    const unknown = byDepartment(view).find((one) => one.label === "Not known")!;
    expect([unknown.visits, unknown.wait, unknown.together]).toEqual([2, undefined, undefined]);
    expect(shown(undefined)).toBe("–");
    expect(byHour(view, "20").reduce((sum, one) => sum + one.visits, 0)).toBeLessThan(total(view).visits);
  });
});

describe("what is saved", () => {
  it("has every finding, and tells what to do about those that are not fine only", () => {
    const found = reportOf("wrong", now);
    const text = reportText(found);
    for (const one of found.findings) expect(text).toContain(one.check);
    expect(text.match(/Fix: /g)).toHaveLength(found.findings.filter((one) => one.fix).length);
    expect(text).toContain("Grant-CsApplicationAccessPolicy");
  });

  it("has every value of every record, each by its name", () => {
    const text = recordsText("Northside Health", records);
    for (const { clients, records: all } of records.ehrs)
      for (const { field, value } of [...clients, ...all.flatMap((one) => one.values)]) {
        expect(text).toContain(value.split("\n")[0]);
        expect(text).toContain(fields[field].name);
      }
    for (const { kind } of records.ehrs[0]!.records) expect(text).toContain(recordKinds[kind].title);
    expect(text).toContain("(test environment)");
  });
});

describe("this computer", () => {
  const able = { isSecureContext: true, navigator: { mediaDevices: {}, userAgent: "Chrome/140.0 Safari/537" }, RTCPeerConnection: {} };
  it("is able only with all of what a meeting needs; of Teams nothing is claimed", () => {
    const state = (asked: Parameters<typeof hereFindings>[0]) => hereFindings(asked).map((one) => one.state);
    expect(state(able)).toEqual(["fine", "cannot-tell"]);
    expect(state({ ...able, isSecureContext: false })[0]).toBe("wrong");
    expect(state({ ...able, RTCPeerConnection: undefined })[0]).toBe("wrong");
    expect(state({ ...able, navigator: { userAgent: "" } })[0]).toBe("wrong");
  });
  it("knows Edge from Chrome, though both say Chrome", () => {
    expect(browserOf("Mozilla/5.0 Chrome/140.0.0.0 Safari/537.36 Edg/140.0.1")).toBe("Edge 140");
    expect(browserOf("curl/8")).toBe("");
  });
});

describe("a write-back", () => {
  it("that can never be sent is not called stopped", () => {
    const word = (id: string) => markOf(writeBacks(now).find((row) => row.id === id)!).word;
    expect(word("wb-destroyed")).toBe("Expired");
    expect(word("wb-parked")).toBe("Stopped, needs somebody");
  });
});
