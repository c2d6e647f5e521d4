// The table of problems: every code of the protocol has its words, and the words are fit for a clinician.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import problemCode from "../protocol/ProblemCode.ts?raw";
import { problems, whoWords } from "./problems";

/** Who can fix it, as the protocol says it: `ProblemCode::who` is the other place that knows. */
function whoInTheProtocol(): Map<string, string> {
  const rust = readFileSync(join(import.meta.dirname, "../../../crates/protocol/src/problem.rs"), "utf8");
  const kebab = (name: string) => name.replace(/(?<=.)[A-Z]/g, (letter) => `-${letter}`).toLowerCase();
  const arms = rust.matchAll(/((?:P::\w+[\s|]*)+)=> WhoCanFix::(\w+)/g);
  return new Map(
    [...arms].flatMap(([, list, who]) =>
      [...list!.matchAll(/P::(\w+)/g)].map(([, code]) => [kebab(code!), kebab(who!).replace("microsoft365", "microsoft-365")] as const),
    ),
  );
}

const codes = [...problemCode.matchAll(/"([a-z0-9-]+)"/g)].map((match) => match[1]!);

test("every code of the protocol has words, and no word is for a code that is gone", () => {
  expect(codes.length).toBeGreaterThan(20);
  expect(Object.keys(problems).toSorted()).toEqual(codes.toSorted());
});

test("the table and the protocol name the same person", () => {
  expect(new Map(Object.entries(problems).map(([code, { who }]) => [code, who]))).toEqual(whoInTheProtocol());
});

test.each(codes)("%s says what happened, what to do and who can do it", (code) => {
  const { title, todo, who } = problems[code as keyof typeof problems];
  expect(title).toMatch(/^[A-Z].{10,75}\.$/);
  expect(todo).toMatch(/^[A-Z].{20,180}\.$/);
  expect(whoWords[who]).toBeDefined();
  // Jargon belongs on the phone with IT, not on this card.
  expect(`${title} ${todo}`).not.toMatch(/\b(iss|nonce|token|tenant|null|undefined|HTTP|JWT|FHIR|OAuth|relay)\b/i);
  // A promise to the eye as well: nobody reads a wall of text with a patient waiting.
  expect(todo.length).toBeLessThanOrEqual(140);
});

test.each(codes.filter((code) => problems[code as keyof typeof problems].who !== "clinician"))(
  "%s, which the clinician cannot fix, names who is to be told",
  (code) => {
    const { todo, who } = problems[code as keyof typeof problems];
    const names = { "microsoft-365-admin": /Microsoft 365 admin/, "ehr-analyst": /EHR analyst/, it: /\bIT\b|connects again by itself/ };
    expect(todo).toMatch(names[who as keyof typeof names]);
  },
);
