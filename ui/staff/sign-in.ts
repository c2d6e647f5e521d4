// Where to sign in. The page's own address names the organization (`?o=key`), as nothing else does before a sign-in. Pure.

/** Nothing where the address names no organization, or names something that could lead elsewhere. */
export function signInAddress(search: string): string | undefined {
  const key = new URLSearchParams(search).get("o") ?? "";
  return /^[a-z0-9][a-z0-9-]{0,62}$/.test(key) ? `/o/${key}/sign-in?to=staff` : undefined;
}
