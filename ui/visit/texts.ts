// The organization's words in the page's language; in English where they did not write them in it. Pure.
import type { PageTexts, PatientView } from "../shared/protocol";

export function textsOf(view: PatientView | undefined, language: string): PageTexts | undefined {
  return view?.texts[language] ?? view?.texts.en;
}
