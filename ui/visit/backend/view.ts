// What the relay said, as a view. Pure. A relay of the version before says less: what it leaves out is filled in, so that
// a page that outlives a rolling update goes on.
import type { PatientView } from "../../shared/protocol";

const unsaid = { role: "patient", messages: [], group: false, texts: {} };

/** Nothing where it is no view. */
export function viewOf(value: unknown): PatientView | undefined {
  if (typeof value !== "object" || value === null || !("stage" in value) || !("now" in value)) return undefined;
  return { ...unsaid, ...(value as Omit<PatientView, keyof typeof unsaid>) } as PatientView;
}

/** The same from a message's text. */
export function parsed(text: unknown): PatientView | undefined {
  try {
    return viewOf(JSON.parse(String(text)));
  } catch {
    return undefined;
  }
}
