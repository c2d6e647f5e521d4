// Presets and device tests in words: nothing is lost of what went wrong, and a later relay's word breaks nothing.
import { expect, test } from "vitest";
import type { DeviceTest, MessageView } from "../protocol";
import { messageWord, sayable, presetWord, testLines, testWord } from "./presets";

const tested = (more: Partial<DeviceTest>): DeviceTest => ({
  at: "2026-11-23T09:31:00Z",
  camera: "good",
  microphone: "good",
  speaker: "good",
  connection: "good",
  ...more,
});

test("a test says what is wrong, and only then anything else", () => {
  expect(testWord(undefined)).toBe("Not tested");
  expect(testWord(tested({}))).toBe("Tested, works");
  expect(testWord(tested({ speaker: "untested" }))).toBe("Works, but not tested: Sound");
  expect(testWord(tested({ camera: "refused", connection: "weak" }))).toBe("Camera blocked, Connection weak");
  const none = { camera: "untested", microphone: "untested", speaker: "untested", connection: "untested" } as const;
  expect(testWord(tested(none))).toBe("Not tested");
  expect(testLines(tested({ microphone: "missing" })).filter((line) => line.wrong).map((line) => line.part)).toEqual(["microphone"]);
});

test("a message with its answer, in one line", () => {
  const message: MessageView = { id: "1", at: "", preset: "running-late", minutes: 10, answers: ["can-wait"] };
  expect(messageWord(message)).toBe("“We are running late: about 10 min”, not answered");
  expect(messageWord({ ...message, answered: "cannot-wait" })).toContain("answered “I can’t wait”");
  expect(presetWord("of-a-later-relay" as never)).toBe(presetWord("unknown"));
  expect(new Set(sayable.map((preset) => presetWord(preset))).size).toBe(sayable.length);
});
