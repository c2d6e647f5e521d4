// Shapes of protocol 2 that the generated types do not have yet. Replaced by them as soon as they do; nothing else here.
import type { PatientView as Before } from "../../shared/protocol/PatientView";

export type Role = "patient" | "proxy" | "practitioner" | "interpreter" | "family" | "colleague" | "unattributed" | "unknown";
export type DeviceResult = "untested" | "good" | "weak" | "refused" | "missing" | "failed" | "unknown";
export type DeviceReport = Record<"camera" | "microphone" | "speaker" | "connection", DeviceResult>;
export type Preset =
  | "running-late"
  | "almost-ready"
  | "please-stay"
  | "check-sound"
  | "check-camera"
  | "we-will-phone"
  | "please-return"
  | "unknown";
export type PresetAnswer = "ok" | "can-wait" | "cannot-wait" | "done" | "need-help" | "unknown";
export type MessageView = {
  id: string;
  at: string;
  preset: Preset;
  minutes?: number;
  to?: Role;
  answers: Array<PresetAnswer>;
  answered?: PresetAnswer;
};
export type PageTexts = { notice?: string; consent?: string };

type Stage = Before | { organization: string; start: string; now: string; stage: "another-device" };
export type PatientView = Stage & {
  role: Role;
  clinician?: string;
  late_until?: string;
  messages: Array<MessageView>;
  help_since?: string;
  group: boolean;
  texts: { [language: string]: PageTexts };
};
