// The report's sums: by hour and by department, and each measure as people read it. Pure. An average that nobody knows is
// missing, never nought.
import type { Department, ReportHour, ReportView } from "../shared/protocol";

export type Sum = { label: string; visits: number; met: number; noshow: number; leftUnseen: number; wait?: number; together?: number };

export const measures = {
  visits: { title: "Visits", of: (sum: Sum) => sum.visits },
  wait: { title: "Average wait, minutes", of: (sum: Sum) => sum.wait },
  together: { title: "Average duration, minutes", of: (sum: Sum) => sum.together },
  noshow: { title: "No-shows", of: (sum: Sum) => sum.noshow },
  leftUnseen: { title: "Left unseen", of: (sum: Sum) => sum.leftUnseen },
} satisfies Record<string, { title: string; of: (sum: Sum) => number | undefined }>;

export type Measure = keyof typeof measures;

function sum(label: string, rows: ReportHour[]): Sum {
  const add = (of: (row: ReportHour) => number) => rows.reduce((all, row) => all + of(row), 0);
  const minutes = (seconds: number, of: number) => (of > 0 ? seconds / of / 60 : undefined);
  const [met, waits] = [add((row) => row.met), add((row) => row.waits)];
  return {
    label,
    visits: add((row) => row.visits),
    met,
    noshow: add((row) => row.noshow),
    leftUnseen: add((row) => row.left_unseen),
    wait: minutes(add((row) => row.waited_seconds), waits),
    together: minutes(add((row) => row.together_seconds), met),
  };
}

/** Of one department, or (`""`) of all. */
function of(view: ReportView, department: string): ReportHour[] {
  return view.hours.filter((row) => department === "" || (row.department ?? "?") === department);
}

/** From the first hour with a visit to the last: an hour without one in between is shown as such. */
export function byHour(view: ReportView, department = ""): Sum[] {
  const rows = of(view, department);
  if (rows.length === 0) return [];
  const hours = rows.map((row) => row.hour);
  const [first, last] = [Math.min(...hours), Math.max(...hours)];
  return Array.from({ length: last - first + 1 }, (_, index) => {
    const hour = first + index;
    return sum(`${String(hour).padStart(2, "0")}:00`, rows.filter((row) => row.hour === hour));
  });
}

export function byDepartment(view: ReportView): Sum[] {
  const known = new Map(view.departments.map((one: Department) => [one.id, one.name]));
  const ids = [...new Set(view.hours.map((row) => row.department ?? "?"))];
  const named = ids.map((id) => sum(known.get(id) ?? (id === "?" ? "Not known" : id), of(view, id)));
  return named.sort((a, b) => a.label.localeCompare(b.label));
}

export function total(view: ReportView): Sum {
  return sum("All", view.hours);
}

/** Minutes with one decimal, counts as they are, and a dash where nobody knows. */
export function shown(value: number | undefined): string {
  if (value === undefined) return "–";
  return Number.isInteger(value) ? String(value) : value.toFixed(1);
}
