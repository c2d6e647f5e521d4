// The window drawn from a state: the ids that the real-window tests stand on, and what must never be seen.
import { fireEvent, render, screen, waitFor } from "@testing-library/svelte";
import { describe, expect, test } from "vitest";
import type { AppState, Problem, ProblemCode } from "../shared/protocol";
import App from "./App.svelte";
import type { Backend } from "./backend";
import { fakeBackend } from "./backend/fake";
import { moment, scenarios } from "./backend/scenarios";
import { Session } from "./session.svelte";

async function window_(scenario: string, change: Partial<Backend> = {}) {
  const session = new Session({ ...fakeBackend(new URLSearchParams({ scenario })), ...change });
  await session.start();
  const { container } = render(App, { session });
  return { container, session, at: (selector: string) => container.querySelector<HTMLElement>(selector) };
}

const problem = (code: ProblemCode, status: number): Problem => ({
  type: "about:blank",
  title: "",
  status,
  code,
  detail: "",
  who: "it",
});

describe("every scenario", () => {
  test.each(Object.keys(scenarios))("%s: draws, with one filled button at most and no id twice", async (scenario) => {
    const { container } = await window_(scenario);
    expect(container.querySelectorAll("button.filled").length).toBeLessThanOrEqual(1);
    const ids = [...container.querySelectorAll("[id]")].map((element) => element.id);
    expect(ids).toEqual([...new Set(ids)]);
    expect(document.title).not.toContain("Lopez");
  });
});

test("a name is shown only for the visit it belongs to", async () => {
  const { at, session } = await window_("in-visit");
  expect(at("#patient-name")?.textContent).toBe("Camila Maria Lopez");
  session.state = { ...session.state!, patient: { visit: "another", name: "Camila Maria Lopez" } };
  await Promise.resolve();
  expect(at("#patient-name")).toBeNull();
});

test("the alert is announced, and stands beside the button that takes it down", async () => {
  const { at } = await window_("waiting");
  expect(screen.getAllByRole("alert")[0]?.textContent).toMatch(/Patient ready, \d\d:\d\d/);
  await fireEvent.click(at("#acknowledge")!);
  expect(at("#alert")).toBeNull();
  expect(at("#join")).not.toBeNull();
});

test("a request for help is announced, and stands until it is taken on", async () => {
  const { at } = await window_("help");
  expect(screen.getAllByRole("alert")[0]?.textContent).toMatch(/Patient asks for help, \d\d:\d\d/);
  expect(at("#acknowledge")).toBeNull();
  await fireEvent.click(at("#take-help")!);
  await waitFor(() => expect(at("#alert")).toBeNull());
  expect(globalThis.window.calls?.at(-1)).toBe("help_taken v1 patient-1");
});

test("the focus goes on when the button that was pressed is gone with its alert", async () => {
  const { at, container } = await window_("waiting");
  at("#acknowledge")!.focus();
  await fireEvent.click(at("#acknowledge")!);
  await waitFor(() => expect(at("#alert")).toBeNull());
  expect(document.activeElement).toBe(container.querySelector("main"));
});

test("what was kept is told where a screen reader listens already", async () => {
  const { session } = await window_("waiting");
  const regions = screen.getAllByRole("status");
  const kept = { id: "p1", action: "late", start: moment(Date.now()).slot(0), since: moment(Date.now()).at(-1) } as const;
  session.state = { ...session.state!, pending: [{ ...kept, state: "expired" }] };
  await waitFor(() => expect(regions.some((one) => one.textContent?.includes("not sent, because"))).toBe(true));
});

test("the end of a sign-in has the focus, and leaves no refusal of the one before", async () => {
  let tell: (state: AppState) => void = () => {};
  let refuse: (problem: Problem) => void = () => {};
  const { at, session } = await window_("waiting", {
    onState: async (listen) => void (tell = listen),
    end: () => Promise.reject(problem("meeting-refused", 502)),
    join: () => new Promise<void>((_, reject) => (refuse = reject)),
  });
  await session.run("end", "v1");
  expect(session.problem?.code).toBe("meeting-refused");
  const late = session.run("join", "v1");
  tell({ ...session.state!, session: "signed-out", ended: "idle", me: undefined, visits: [], alert: undefined });
  await waitFor(() => expect(document.activeElement).toBe(at("[data-session] h1")));
  expect(document.activeElement?.textContent).toBe("You were signed out");
  expect(session.problem).toBeUndefined();
  refuse(problem("meeting-refused", 502));
  await late;
  expect(session.problem).toBeUndefined();
});

test("a delegate is told why", async () => {
  const { at } = await window_("delegate");
  expect(at("#alert")?.textContent).toContain("Nobody else could be told");
  expect(at("#join")).toBeNull();
});

test("a command's refusal becomes words, and can be closed", async () => {
  const refused = problem("meeting-refused", 502);
  const { at } = await window_("waiting", { join: () => Promise.reject(refused) });
  await fireEvent.click(at("#join")!);
  await Promise.resolve();
  expect(at("#problem")?.dataset.code).toBe("meeting-refused");
  expect(at("#problem")?.textContent).toContain("Microsoft 365 admin");
  await fireEvent.click(at("#dismiss-problem")!);
  await waitFor(() => expect(at("#problem")).toBeNull());
});

test("a refusal that the companion has put into its state is the companion's to take back", async () => {
  const refused = problem("relay-unreachable", 503);
  let tell: (state: AppState) => void = () => {};
  const { session } = await window_("waiting", {
    onState: async (listen) => void (tell = listen),
    join: () => Promise.reject(refused),
  });
  const before = session.state!;
  await session.run("join", "v1");
  expect(session.problem?.code).toBe("relay-unreachable");
  tell({ ...before, problem: refused });
  tell(before);
  expect(session.problem).toBeUndefined();
});

test("Join is not pressed twice while Teams opens", async () => {
  let joined = 0;
  let release = () => {};
  const join = () => ((joined += 1), new Promise<void>((resolve) => (release = resolve)));
  const { at } = await window_("waiting", { join });
  await fireEvent.click(at("#join")!);
  await fireEvent.click(at("#join")!);
  expect(joined).toBe(1);
  expect(at("#join")?.textContent).toContain("Opening Teams");
  release();
});

test("the connection's state is on the element", async () => {
  expect((await window_("offline")).at("#connection")?.dataset.state).toBe("offline");
  expect((await window_("offline")).at("[data-note=offline]")?.textContent).toContain("What you see is from");
});

test("the scenarios are whole states", () => {
  const t = moment(Date.now());
  for (const build of Object.values(scenarios)) expect((build as (at: typeof t) => AppState)(t).session).toBeDefined();
});
