// Presets, answers and device tests in words, for those who work in the clinic. What patients read is the visit page's own.
import type { IconName } from "../icons";
import type { DeviceResult, DeviceTest, MessageView, Preset, PresetAnswer } from "../protocol";

/** What can be said, in the order in which it is offered. *Running late* has a way of its own. */
export const sayable = ["almost-ready", "please-stay", "check-sound", "check-camera", "we-will-phone", "please-return"] as const satisfies Preset[];

const presetWords: Record<Preset, string> = {
  "running-late": "We are running late",
  "almost-ready": "We will be with you in a moment",
  "please-stay": "Please stay on this page",
  "check-sound": "Please check your sound",
  "check-camera": "Please check your camera",
  "we-will-phone": "We will call you on the phone",
  "please-return": "Please come back and press I’m ready",
  unknown: "A message of a later version",
};

export const answerWords: Record<PresetAnswer, string> = {
  ok: "OK",
  "can-wait": "I can wait",
  "cannot-wait": "I can’t wait",
  done: "It works now",
  "need-help": "I need help",
  unknown: "Another answer",
};

export function presetWord(preset: Preset, minutes?: number): string {
  const words = presetWords[preset] ?? presetWords.unknown;
  return preset === "running-late" && minutes ? `${words}: about ${minutes} min` : words;
}

/** A message and what came back, in one line. */
export function messageWord({ preset, minutes, answered }: MessageView): string {
  const said = `“${presetWord(preset, minutes)}”`;
  return answered ? `${said}, answered “${answerWords[answered] ?? answerWords.unknown}”` : `${said}, not answered`;
}

const parts = ["camera", "microphone", "speaker", "connection"] as const;
export const partIcons = { camera: "video", microphone: "microphone", speaker: "speaker", connection: "waves" } as const satisfies Record<
  (typeof parts)[number],
  IconName
>;
const partWords = { camera: "Camera", microphone: "Microphone", speaker: "Sound", connection: "Connection" };

const resultWords: Record<DeviceResult, string> = {
  untested: "not tested",
  good: "works",
  weak: "weak",
  refused: "blocked",
  missing: "missing",
  failed: "does not work",
  unknown: "not known",
};

export interface TestLine {
  part: (typeof parts)[number];
  said: string;
  wrong: boolean;
}

/** Every part of a test, in words. */
export function testLines(test: DeviceTest): TestLine[] {
  return parts.map((part) => {
    const result = test[part];
    const wrong = !["good", "untested", "unknown"].includes(result);
    return { part, said: `${partWords[part]} ${resultWords[result] ?? resultWords.unknown}`, wrong };
  });
}

/** Every part of it was tried and works. */
export function testedWhole(test: DeviceTest): boolean {
  return parts.every((part) => test[part] === "good");
}

/** The test in one sentence: what is wrong, or that nothing is. */
export function testWord(test: DeviceTest | undefined): string {
  if (!test) return "Not tested";
  const wrong = testLines(test).filter((line) => line.wrong);
  if (wrong.length > 0) return wrong.map((line) => line.said).join(", ");
  if (testedWhole(test)) return "Tested, works";
  const skipped = parts.filter((part) => test[part] !== "good").map((part) => partWords[part]);
  return skipped.length === parts.length ? "Not tested" : `Works, but not tested: ${skipped.join(", ")}`;
}
