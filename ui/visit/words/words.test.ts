// The languages: which one is chosen, that none lacks a word, and that counting is right in each.
import { describe, expect, it } from "vitest";
import { ar } from "./ar";
import { en } from "./en";
import { es } from "./es";
import { choose, languages, localeOf, spoken } from "./languages";

/** Every word by its path; functions are called with what they are called with on the page. */
function flat(value: unknown, path: string): [string, string][] {
  if (typeof value === "string") return [[path, value]];
  if (typeof value === "function") return [[path, String((value as (...x: unknown[]) => string)("7", "5"))]];
  return Object.entries(value as object).flatMap(([name, inner]) => flat(inner, `${path}.${name}`));
}

describe("choosing", () => {
  it("takes the pick, then the device's first language we speak, then English", () => {
    expect(choose(null, ["es-MX", "en"])).toBe("es");
    expect(choose(null, ["fr-CA", "ar-EG", "en"])).toBe("ar");
    expect(choose("es", ["ar"])).toBe("es");
    expect(choose("xx", ["fr"])).toBe("en");
    expect(choose(null, [])).toBe("en");
    expect(spoken("EN-gb")).toBe("en");
    expect(spoken("english")).toBeUndefined();
  });

  it("writes times by the customs of the device's region, in digits everybody here uses", () => {
    expect(localeOf("es", ["en-US"])).toBe("es-US-u-nu-latn");
    expect(localeOf("ar", ["ar-EG"])).toBe("ar-EG-u-nu-latn");
    expect(localeOf("en", ["not a tag"])).toBe("en-u-nu-latn");
    const time = new Intl.DateTimeFormat(localeOf("ar", ["ar-EG"]), { hour: "numeric", minute: "2-digit", timeZone: "UTC" });
    expect(time.format(Date.parse("2026-11-22T10:30:00Z"))).toMatch(/10:30/);
  });
});

describe.each([es, ar])("$language", (words) => {
  it("has every word of the English, none empty and none left in English", () => {
    const own = new Map(flat(words, ""));
    for (const [path, text] of flat(en, "")) {
      expect(own.get(path), path).toBeTruthy();
      if (text.length > 12) expect(own.get(path), path).not.toBe(text);
    }
    expect(own.size).toBe(flat(en, "").length);
  });

  it("is written in its own script and in no other", () => {
    for (const [path, text] of flat(words, "")) {
      if (words === es) expect(text, path).not.toMatch(/\p{Script=Arabic}/u);
      else if (path !== ".language" && path !== ".direction") expect(text, path).toMatch(/\p{Script=Arabic}/u);
      expect(text, path).not.toMatch(/[٠-٩]/);
    }
  });
});

it("counts as each language does", () => {
  expect([1, 2, 5, 11].map(ar.minutes)).toEqual(["بعد دقيقة واحدة", "بعد دقيقتين", "بعد 5 دقائق", "بعد 11 دقيقة"]);
  expect(ar.called.opens(3)).toContain("3 ثوانٍ");
  expect(ar.minutes(150)).toContain("3 ساعات");
  expect([1, 5].map(es.minutes)).toEqual(["en 1 minuto", "en 5 minutos"]);
});

it("knows each language by the name its speakers use", async () => {
  for (const [tag, language] of Object.entries(languages)) {
    expect((await language.load()).language).toBe(tag);
    expect(language.name).not.toBe("");
  }
  expect(ar.direction).toBe("rtl");
});
