// Why a camera or microphone did not come, and whose words help. Pure: names and user agents in, facts out.
// Error names: Media Capture and Streams, "getUserMedia() algorithm".
import type { DeviceResult } from "../../shared/protocol";

export type What = "camera" | "microphone" | "both";
/** `unplugged`: it worked, and stopped. */
export type Why = "blocked" | "system" | "none" | "busy" | "unplugged" | "unsupported";

export interface Refusal {
  what: What;
  why: Why;
}

export type Browser =
  | "chrome-desktop"
  | "chrome-android"
  | "safari-ios"
  | "safari-mac"
  | "firefox"
  | "other-ios"
  | "in-app"
  | "other";

/** `error` is what getUserMedia rejected with; anything that is no DOMException counts as "cannot". */
export function whyOf(error: { name?: string; message?: string }): Why {
  switch (error.name) {
    case "NotAllowedError":
    case "SecurityError":
      // Chromium tells a refusal of the operating system apart only in the message.
      return /system/i.test(error.message ?? "") ? "system" : "blocked";
    case "NotFoundError":
    case "OverconstrainedError":
      return "none";
    case "NotReadableError":
    case "AbortError":
      return "busy";
    default:
      return "unsupported";
  }
}

/** What staff are told of it. */
export function resultOf(why: Why): DeviceResult {
  switch (why) {
    case "blocked":
    case "system":
      return "refused";
    case "none":
    case "unplugged":
      return "missing";
    case "busy":
    case "unsupported":
      return "failed";
  }
}

/** Whose settings to describe. The user agent is used for words only, never for what the page can do. */
export function browserOf(agent: string): Browser {
  const ios = /iPhone|iPad|iPod/.test(agent);
  if (ios) {
    if (/CriOS|FxiOS|EdgiOS|OPiOS/.test(agent)) return "other-ios";
    // A web view inside another app (a portal's own app, for one) leaves Safari's name out.
    return /Safari\//.test(agent) ? "safari-ios" : "in-app";
  }
  if (/; wv\)/.test(agent)) return "in-app";
  if (/Firefox\//.test(agent)) return "firefox";
  if (/Chrome\//.test(agent)) return /Android/.test(agent) ? "chrome-android" : "chrome-desktop";
  // An iPad asking for desktop pages says Macintosh; Safari's words for the Mac are near enough there.
  return /Safari\//.test(agent) ? "safari-mac" : "other";
}
