// What a reload keeps: the step and the labels of the chosen devices. No identifier, no link, nothing about the visit.
import { atFirst, steps, type Local } from "./steps";

export interface Remembered {
  step: Local["step"];
  camera?: string;
  microphone?: string;
}

/** Each visit has an address of its own, and whoever goes from one to the next in one tab begins anew. */
const key = () => `roomed.visit ${window.location.pathname}`;

/** Anything unreadable is as if nothing had been kept. */
export function recall(text: string | null): Remembered {
  try {
    const kept: unknown = JSON.parse(text ?? "null");
    if (typeof kept !== "object" || kept === null) return { step: atFirst.step };
    const { step, camera, microphone } = kept as Record<string, unknown>;
    const known = steps.find((name) => name === step) ?? atFirst.step;
    const remembered: Remembered = { step: known };
    if (typeof camera === "string") remembered.camera = camera;
    if (typeof microphone === "string") remembered.microphone = microphone;
    return remembered;
  } catch {
    return { step: atFirst.step };
  }
}

/** Storage may be refused (private windows, blocked cookies): then a reload starts over, which is no harm. */
export function load(): Remembered {
  try {
    return recall(sessionStorage.getItem(key()));
  } catch {
    return { step: atFirst.step };
  }
}

export function save(remembered: Remembered): void {
  try {
    sessionStorage.setItem(key(), JSON.stringify(remembered));
  } catch {
    // Refused storage: see `load`.
  }
}
