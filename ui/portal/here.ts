// What the page itself can tell of the computer it is looked at on. A browser does not say whether Teams is installed, and
// the page does not pretend that it does. Pure: what is asked comes in.
import type { DoctorFinding } from "../shared/protocol";

type Asked = { isSecureContext: boolean; navigator: { mediaDevices?: unknown; userAgent: string }; RTCPeerConnection?: unknown };

const base = { area: "unknown", prerequisite: true, owner: "it" } as const;

export function hereFindings({ isSecureContext, navigator, RTCPeerConnection }: Asked): DoctorFinding[] {
  const able = isSecureContext && navigator.mediaDevices !== undefined && RTCPeerConnection !== undefined;
  return [
    {
      ...base,
      check: "here.browser",
      state: able ? "fine" : "wrong",
      code: able ? "browser-fine" : "browser-old",
      measured: browserOf(navigator.userAgent),
      cause: able
        ? "This browser can take part in a meeting."
        : "This browser has no camera and microphone for pages, so nobody can be seen or heard in it.",
      fix: able ? "" : "Use a current Edge, Chrome, Firefox or Safari.",
    },
    {
      ...base,
      check: "here.teams",
      state: "cannot-tell",
      code: "teams-unproven",
      measured: "",
      cause: "A browser does not say whether Teams is installed on this computer.",
      fix: "Press Open Teams. If nothing opens, install it; until then meetings open in the browser.",
    },
  ];
}

/** The browser's name and version, as far as it tells. */
export function browserOf(userAgent: string): string {
  for (const [name, pattern] of [
    ["Edge", /Edg\/(\d+)/],
    ["Firefox", /Firefox\/(\d+)/],
    ["Chrome", /Chrome\/(\d+)/],
    ["Safari", /Version\/(\d+)[\d.]* .*Safari/],
  ] as const) {
    const found = pattern.exec(userAgent);
    if (found) return `${name} ${found[1]}`;
  }
  return "";
}
