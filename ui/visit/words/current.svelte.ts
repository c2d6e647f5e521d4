// The language the page speaks now. `words` may be read anywhere and follows a change; a pick outlives the visit, as a
// language's tag and nothing else.
import type { Words } from "./en";
import { choose, languages, localeOf, type Language } from "./languages";

const KEY = "roomed.language";

let current: Words | undefined = $state.raw();
let chosen: Language = $state("en");
let asked: Language = "en";

/** Empty until `start` or `speak` has come back. */
export const words = new Proxy({} as Words, {
  get: (_, name) => current?.[name as keyof Words],
});

export const speaking = {
  get language(): Language {
    return chosen;
  },
  /** For `Intl`. */
  get locale(): string {
    return localeOf(chosen, navigator.languages);
  },
};

/** Fetches the words and changes over. The newest call wins; one that cannot be fetched changes nothing and throws. */
async function change(language: Language): Promise<void> {
  asked = language;
  const fetched = await languages[language].load();
  if (asked !== language) return;
  current = fetched;
  chosen = language;
}

/** Before the first screen. A language that cannot be had is no reason to show nothing. */
export async function start(): Promise<void> {
  const wanted = choose(kept(), navigator.languages);
  await change(wanted).catch((error: unknown) => (wanted === "en" ? Promise.reject(error) : change("en")));
}

/** The patient picked a language. */
export async function speak(language: Language): Promise<void> {
  await change(language);
  try {
    localStorage.setItem(KEY, language);
  } catch {
    // Refused storage: the next visit asks the device again.
  }
}

function kept(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}
