// The filters, as they stand in the address: they survive a reload and can be kept as a bookmark. Pure. A clinician is
// named there by a short digest, because no name belongs in an address.
import type { StaffRow } from "../shared/protocol";
import { isOver, waitingSince, wantOf } from "./rules";

export const shows = ["open", "waiting", "wanting", "all"] as const;
export type Show = (typeof shows)[number];

export interface Filters {
  show: Show;
  /** A department's id. */
  department: string;
  /** The digest of a clinician's name. */
  clinician: string;
  /** `clinician`: a heading for each. */
  group: "time" | "clinician";
}

export const everything: Filters = { show: "open", department: "", clinician: "", group: "time" };

/** Anything unreadable is as if it were not there. */
export function fromAddress(search: string): Filters {
  const said = new URLSearchParams(search);
  return {
    show: shows.find((show) => show === said.get("show")) ?? everything.show,
    department: said.get("department")?.slice(0, 128) ?? "",
    clinician: /^[0-9a-f]{8}$/.test(said.get("clinician") ?? "") ? said.get("clinician")! : "",
    group: said.get("group") === "clinician" ? "clinician" : "time",
  };
}

/** What else stands in the address stays there. */
export function toAddress(filters: Filters, search: string): string {
  const said = new URLSearchParams(search);
  for (const name of ["show", "department", "clinician", "group"] as const) {
    if (filters[name] === everything[name]) said.delete(name);
    else said.set(name, filters[name]);
  }
  const text = said.toString();
  return text === "" ? "" : `?${text}`;
}

/** FNV-1a, 32 bits: tells a few clinicians apart and says nothing of them. */
export function digest(name: string): string {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash.toString(16).padStart(8, "0");
}

export function passes(row: StaffRow, filters: Filters): boolean {
  if (filters.department !== "" && row.department?.id !== filters.department) return false;
  if (filters.clinician !== "" && !row.clinicians.some((name) => digest(name) === filters.clinician)) return false;
  switch (filters.show) {
    case "open":
      return !isOver(row);
    case "waiting":
      return waitingSince(row) !== undefined;
    case "wanting":
      return wantOf(row) !== undefined;
    case "all":
      return true;
  }
}

/** The relay's order: what wants somebody first, then by time. Grouped, the clinician who is wanted most comes first. */
export function grouped(rows: StaffRow[], by: Filters["group"]): [string, StaffRow[]][] {
  if (by === "time") return [["", rows]];
  const groups = new Map<string, StaffRow[]>();
  for (const row of rows) {
    const name = row.clinicians.join(", ");
    groups.set(name, [...(groups.get(name) ?? []), row]);
  }
  return [...groups];
}

/** Every clinician of the list, by name. */
export function cliniciansOf(rows: StaffRow[]): string[] {
  return [...new Set(rows.flatMap((row) => row.clinicians))].sort((a, b) => a.localeCompare(b));
}

/** Every department of the list, by name, beside those that somebody may see. */
export function departmentsOf(rows: StaffRow[], may: { id: string; name: string }[] | null): { id: string; name: string }[] {
  const all = new Map([...(may ?? []), ...rows.flatMap((row) => row.department ?? [])].map((one) => [one.id, one]));
  return [...all.values()].sort((a, b) => a.name.localeCompare(b.name));
}
