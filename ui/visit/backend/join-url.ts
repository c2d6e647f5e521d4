// The one address this page ever leaves for. Pure.

/** A web address, or nothing: a `javascript:` or app link must never be followed from here. */
export function webAddress(joinUrl: string): string | undefined {
  try {
    const url = new URL(joinUrl);
    const local = url.protocol === "http:" && url.hostname === "127.0.0.1";
    return url.protocol === "https:" || local ? url.href : undefined;
  } catch {
    return undefined;
  }
}
