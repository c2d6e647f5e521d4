// The pure half of the device test: levels, refusals, browsers.
import { describe, expect, it } from "vitest";
import { en as words } from "../words/en";
import { hear, levelOf, unheard } from "./level";
import { browserOf, resultOf, whyOf } from "./refusal";

const tone = (loudness: number) => Float32Array.from({ length: 2048 }, (_, i) => loudness * Math.sin(i / 5));

describe("the level", () => {
  it("is 0 in silence, rises with the voice and ends at 100", () => {
    expect(levelOf(tone(0))).toBe(0);
    expect(levelOf(new Float32Array())).toBe(0);
    const levels = [0.005, 0.02, 0.1, 0.3].map((loudness) => levelOf(tone(loudness)));
    expect([...levels].sort((a, b) => a - b)).toEqual(levels);
    expect(levelOf(tone(1))).toBe(100);
  });

  it("is a voice only when it lasts, and heard stays heard", () => {
    const after = (levels: number[]) => levels.reduce(hear, unheard);
    expect(after([90, 90, 0]).heard).toBe(false);
    expect(after([40, 40, 40]).heard).toBe(true);
    expect(after([40, 0, 0, 40, 40, 0, 40]).heard).toBe(true);
    expect(after([40, 40, 40, 0, 0]).heard).toBe(true);
  });

  it("offers help after eight quiet seconds", () => {
    let now = unheard;
    for (let look = 0; look < 79; look += 1) now = hear(now, 3);
    expect(now.quiet).toBe(false);
    expect(hear(now, 3).quiet).toBe(true);
    expect([3, 50, 50, 50].reduce(hear, now)).toMatchObject({ heard: true, quiet: false });
  });
});

describe("a refusal", () => {
  it("is told apart by the standard's names", () => {
    expect(whyOf({ name: "NotAllowedError", message: "Permission denied" })).toBe("blocked");
    expect(whyOf({ name: "NotAllowedError", message: "Permission denied by system" })).toBe("system");
    expect(whyOf({ name: "NotFoundError" })).toBe("none");
    expect(whyOf({ name: "NotReadableError" })).toBe("busy");
    expect(whyOf({ name: "TypeError" })).toBe("unsupported");
  });

  it("is told to staff as what it means for the visit", () => {
    expect((["blocked", "system", "none", "unplugged", "busy", "unsupported"] as const).map(resultOf)).toEqual([
      "refused",
      "refused",
      "missing",
      "missing",
      "failed",
      "failed",
    ]);
  });

  it("is explained in the words of the browser at hand", () => {
    const agents: Record<string, string> = {
      "safari-ios": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
      "in-app": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
      "other-ios": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/140.0 Mobile/15E148 Safari/604.1",
      "chrome-android": "Mozilla/5.0 (Linux; Android 15; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36",
      "chrome-desktop": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0",
      firefox: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
      "safari-mac": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15",
      other: "",
    };
    for (const [browser, agent] of Object.entries(agents)) expect(browserOf(agent)).toBe(browser);
    expect(words.refused.blocked(words.refused.what.both)).toBe("Your camera is blocked.");
    expect(words.refused.blockedHow["chrome-android"]).toContain("Tap the camera in the address bar, then Allow.");
  });
});
