// Where to sign in. The page's own address names the organization (`?o=key`), as nothing else does before a sign-in. Pure.

/** Nothing where there is no key, or one that could lead elsewhere. */
export function signInAddress(key: string | null | undefined): string | undefined {
  return /^[a-z0-9][a-z0-9-]{0,62}$/.test(key ?? "") ? `/o/${key}/sign-in?to=portal` : undefined;
}
