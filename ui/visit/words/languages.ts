// The languages of the visit page: each by its own name, each in a file that is fetched only when somebody needs it.
// Choosing is pure; `current.svelte.ts` carries it out. One more language is one more line here and one more file.
import type { Words } from "./en";

export const languages = {
  en: { name: "English", load: (): Promise<Words> => import("./en").then((file) => file.en) },
  es: { name: "Español", load: (): Promise<Words> => import("./es").then((file) => file.es) },
  ar: { name: "العربية", load: (): Promise<Words> => import("./ar").then((file) => file.ar) },
};

export type Language = keyof typeof languages;

/** A name of unknown script inside a sentence, kept from turning the words around it (Unicode UAX #9, FSI and PDI). */
export function isolated(name: string): string {
  return `\u2068${name}\u2069`;
}

/** Of a BCP 47 tag: `es` of `es-MX`; nothing where we do not speak it. */
export function spoken(tag: string | null): Language | undefined {
  const primary = (tag ?? "").toLowerCase().split("-")[0];
  return (Object.keys(languages) as Language[]).find((language) => language === primary);
}

/** What was picked here before, else the first of the device's languages that we speak, else English. */
export function choose(picked: string | null, preferred: readonly string[]): Language {
  const wanted = [picked, ...preferred].map(spoken);
  return wanted.find((language) => language !== undefined) ?? "en";
}

/** How times are written: in the page's language, by the customs of the device's region, always in digits 0 to 9. */
export function localeOf(language: Language, preferred: readonly string[]): string {
  const own = preferred.find((tag) => spoken(tag) === language);
  if (own) return new Intl.Locale(own, { numberingSystem: "latn" }).toString();
  const region = preferred.map(regionOf).find((found) => found !== undefined);
  return new Intl.Locale(language, { region, numberingSystem: "latn" }).toString();
}

function regionOf(tag: string): string | undefined {
  try {
    return new Intl.Locale(tag).maximize().region;
  } catch {
    return undefined;
  }
}
