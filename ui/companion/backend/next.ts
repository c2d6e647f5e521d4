// What the companion will say beside the generated `AppState`. Each part is optional: a companion that does not say it is
// drawn as before. Replaced by the generated types as they come; nothing else stands here.
import type { AppState as Generated } from "../../shared/protocol";

/** Why notifications do not come through: silenced by the person, or switched off for us. */
export type MutedView = "do-not-disturb" | "switched-off";

/** A launch proven on a machine that has no companion. Times only. */
export type OfferView = { visit: string; start: string };

export type AppState = Generated & {
  offer?: OfferView;
  muted?: MutedView;
};
