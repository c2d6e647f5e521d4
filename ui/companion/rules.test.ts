// The rules of display: what is pressed, what matters most, what a row says.
import { describe, expect, test } from "vitest";
import type { AppState } from "../shared/protocol";
import { moment, signedIn } from "./backend/scenarios";
import type { Role } from "../shared/protocol";
import table from "./awaited.json";
import { actionOf, awaitedOf, candidatesOf, chartLine, chartOf, guardOf, inside, leadOf, mayBeLate, reachableOf, restOf, startWords, stateOf, waitingSince } from "./rules";

const t = moment(Date.parse("2026-11-23T09:32:00Z"));
const app = (more: Partial<AppState>): AppState => ({ ...signedIn(), ...more });

describe("Join or Open", () => {
  const ready = t.ready("v", t.slot(0), 4, 0);

  test("before a proven launch there is only Open", () => expect(actionOf(ready)).toBe("open"));
  test("after it, Join", () => expect(actionOf({ ...ready, proven: true })).toBe("join"));
  test("inside already, the way back", () => {
    const participants = [t.person("practitioner", "connected", { me: true, source: "roster" })];
    expect(actionOf({ ...ready, proven: true, participants })).toBe("return");
  });
  test.each(["finished", "noshow", "cancelled"] as const)("a %s visit offers nothing", (stage) =>
    expect(actionOf({ ...ready, proven: true, stage })).toBe("none"),
  );
  test("nor does one that is closing", () => expect(actionOf({ ...ready, proven: true, closing: true })).toBe("none"));
});

describe("who is waited for", () => {
  const person = (role: string) =>
    role === "me" ? t.person("practitioner", "waiting", { me: true }) : t.person(role as Role, "waiting", { since: t.at(-3) });

  test.each(table)("$visit", ({ people, awaited }) => {
    const participants = people.map(person);
    const visit = t.visit("v", t.slot(0), { participants });
    expect(awaitedOf(visit).map((one) => participants.indexOf(one))).toEqual(awaited);
    expect(waitingSince(visit)).toBe(awaited.length > 0 ? t.at(-3) : undefined);
  });
});

describe("everybody of a visit", () => {
  const who = (...people: Parameters<typeof t.person>[]) => t.visit("v", t.slot(0), { participants: people.map((one) => t.person(...one)) });
  const me = ["practitioner", "absent", { me: true }] as Parameters<typeof t.person>;
  const since = t.at(-3);

  test("a proxy is waited for as the patient is; an interpreter is not", () => {
    expect(waitingSince(who(["patient", "absent"], ["proxy", "waiting", { since }], me))).toBe(since);
    expect(stateOf(who(["patient", "absent"], ["proxy", "waiting", { since }], me)).word).toBe("Proxy ready");
    expect(waitingSince(who(["patient", "absent"], ["interpreter", "waiting", { since }], me))).toBeUndefined();
  });
  test("in a visit without a patient, the others are waited for", () => {
    const visit = who(["colleague", "waiting", { since }], me);
    expect(waitingSince(visit)).toBe(since);
    expect(stateOf(visit).word).toBe("Guest clinician ready");
    expect(waitingSince(who(["unattributed", "waiting", { since }], me))).toBeUndefined();
  });
  test("a group is counted, not named", () =>
    expect(stateOf(who(["patient", "waiting", { since }], ["patient", "waiting", { since }], me)).word).toBe("2 people ready"));
  test("who cannot be told apart is neither in nor gone", () => {
    expect(stateOf(who(["patient", "unclear", { since }], me)).word).toBe("Patient perhaps in the meeting");
    expect(waitingSince(who(["patient", "unclear", { since }], me))).toBeUndefined();
  });
  test("who left before being seen is said", () =>
    expect(stateOf(who(["patient", "disconnected", { left_unseen_after: 300 }], me)).word).toBe("Patient left unseen"));
  test("an unknown guest can be anybody not seen inside", () => {
    const visit = who(["patient", "unclear"], ["interpreter", "connected"], ["unattributed", "connected"], me);
    expect(candidatesOf(visit).map((one) => one.role)).toEqual(["patient"]);
    expect(reachableOf(visit).map((one) => one.role)).toEqual(["patient", "interpreter"]);
  });
  test("late is only what has not begun", () => {
    expect(mayBeLate(who(["patient", "waiting"], me))).toBe(true);
    expect(mayBeLate(who(["patient", "connected"], ["practitioner", "connected", { me: true }]))).toBe(false);
    expect(mayBeLate(t.done("over", t.slot(-60)))).toBe(false);
  });
});

describe("before Join", () => {
  const ready = t.ready("b", t.slot(0), 3, 0, { proven: true });
  const inside = t.visit("a", t.slot(-15), { participants: [t.person("practitioner", "connected", { me: true })] });

  test("still in another visit: asked", () => {
    const guard = guardOf(app({ visits: [ready, inside] }), ready);
    expect(guard?.why === "still-in" && guard.other.id).toBe("a");
  });
  test("not when that one is ending, nor for the way back into it", () => {
    expect(guardOf(app({ visits: [ready, { ...inside, closing: true }] }), ready)).toBeUndefined();
    expect(guardOf(app({ visits: [ready, inside] }), inside)).toBeUndefined();
  });
  test("several wait: asked which; one alone: not", () => {
    expect(guardOf(app({ visits: [ready, t.ready("c", t.slot(5), 1, 0)] }), ready)?.why).toBe("several");
    expect(guardOf(app({ visits: [ready, t.visit("d", t.slot(30))] }), ready)).toBeUndefined();
  });
});

describe("the one that matters", () => {
  const long = t.ready("long", t.slot(0), 13, 0);
  const short = t.ready("short", t.slot(-30), 1, 0);
  const planned = t.visit("planned", t.slot(20));
  const later = t.visit("later", t.slot(50));
  const over = t.done("over", t.slot(-90));

  test("nothing on an empty day", () => expect(leadOf(app({}))).toBeUndefined());
  test("the alerted visit first, even if another waits longer", () => {
    const { id, start, proven } = short;
    const alert = { visit: id, start, about: "ready" as const, role: "patient" as const, proven, as_delegate: false, since: start };
    expect(leadOf(app({ visits: [long, short], alert }))?.id).toBe("short");
  });
  test("then the longest waiting, whatever the order it came in", () =>
    expect(leadOf(app({ visits: [planned, short, long] }))?.id).toBe("long"));
  test("one that nobody has seen before one that somebody has", () =>
    expect(leadOf(app({ visits: [{ ...long, acknowledged: true }, short] }))?.id).toBe("short"));
  test("then one under way, then the next", () => {
    const underWay = t.visit("underway", t.slot(-10), { stage: "in-progress" });
    expect(leadOf(app({ visits: [planned, underWay] }))?.id).toBe("underway");
    expect(leadOf(app({ visits: [later, planned, over] }))?.id).toBe("planned");
  });
  test("the rest: longest waiting first, then by time; the past apart", () => {
    const { rows, past } = restOf(app({ visits: [later, over, planned, short, long] }));
    expect(rows.map((one) => one.id)).toEqual(["short", "planned", "later"]);
    expect(past.map((one) => one.id)).toEqual(["over"]);
  });
});

describe("how a visit stands", () => {
  test("every state has a word and a shape", () => {
    for (const stage of ["planned", "arrived", "triaged", "in-progress", "finished", "noshow", "cancelled"] as const) {
      const { word, icon } = stateOf(t.visit("v", t.slot(0), { stage }));
      expect(word).not.toBe("");
      expect(icon).not.toBe("");
    }
  });
  test("who left and came back waits from then on, not from the first arrival", () => {
    const visit = t.ready("v", t.slot(0), 8, 0);
    visit.participants = [t.person("patient", "waiting", { since: t.at(-1), source: "roster" })];
    expect(stateOf(visit).word).toBe("Patient ready");
    expect(waitingSince(visit)).toBe(t.at(-1));
  });
  test("nobody waits once the patient is in, or it is over", () => {
    const visit = t.ready("v", t.slot(0), 8, 0);
    expect(waitingSince({ ...visit, stage: "cancelled" })).toBeUndefined();
    expect(waitingSince({ ...visit, participants: [t.person("patient", "connected")] })).toBeUndefined();
  });
  test("inside are the connected and the lobby, not the visit page", () => {
    const onPage = t.person("patient", "waiting", { source: "visit-page" });
    const inLobby = t.person("unattributed", "waiting", { source: "roster" });
    const me = t.person("practitioner", "connected", { me: true });
    expect(inside(t.visit("v", t.slot(0), { participants: [onPage, inLobby, me] }))).toEqual([inLobby, me]);
  });
});

describe("the chart", () => {
  const of = (...states: ("pending" | "needs-analyst" | "unsupported" | "written")[]) =>
    t.visit("v", t.slot(0), {
      participants: states.map((state) =>
        t.person("patient", "waiting", {
          chart:
            state === "pending"
              ? { state, since: t.at(-1) }
              : state === "written"
                ? { state, at: t.at(-1) }
                : { state, reason: "No identifier." },
        }),
      ),
    });

  test("a visit's mark is the worst of its people", () => {
    expect(chartOf(of("written", "pending")).state).toBe("pending");
    expect(chartOf(of("pending", "needs-analyst")).state).toBe("needs-analyst");
    expect(chartOf(of("unsupported", "written")).state).toBe("written");
    expect(chartOf(of("unsupported", "needs-analyst")).state).toBe("needs-analyst");
    expect(chartOf(of("unsupported"))).toEqual({ state: "unsupported", words: "Not shown by this EHR" });
    expect(chartOf(of()).state).toBe("nothing");
  });
  test("one line for all", () => {
    expect(chartLine([]).words).toBe("Chart up to date");
    expect(chartLine([of("pending")]).words).toBe("1 update waiting for the chart");
    expect(chartLine([of("pending", "pending")]).words).toBe("2 updates waiting for the chart");
    expect(chartLine([of("written"), of("unsupported")]).words).toBe("Chart up to date, 1 not shown by this EHR");
    expect(chartLine([of("pending"), of("unsupported")]).words).toBe("1 update waiting for the chart");
    expect(chartLine([of("pending"), of("needs-analyst")]).words).toBe("1 needs your EHR analyst");
  });
});

test("today is not said, another day is", () => {
  const now = new Date(2026, 10, 23, 9, 32).getTime();
  const at = (day: number) => new Date(2026, 10, day, 10, 30).toISOString();
  expect(startWords(at(23), now)).toEqual({ time: "10:30", day: "" });
  expect(startWords(at(24), now)).toEqual({ time: "10:30", day: "tomorrow" });
  expect(startWords(at(27), now)).toEqual({ time: "10:30", day: "Friday 27 November" });
});
