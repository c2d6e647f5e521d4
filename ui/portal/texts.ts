// What is saved as a file or copied as a whole: plain text out of the fields that the page shows, so nothing can stand in it
// that was not on the screen. Pure.
import type { DoctorReport, FindingArea, RecordsView, RecordValue } from "../shared/protocol";
import { areas, fields, findingStates, owners, recordKinds } from "./words";

/** The doctor's report, for a ticket or a mail. */
export function reportText(report: DoctorReport): string {
  const lines = [`Roomed's doctor on ${report.public_url} at ${report.at} (version ${report.version})`];
  let area: FindingArea | undefined;
  for (const one of report.findings) {
    if (one.area !== area) lines.push("", areas[one.area]);
    area = one.area;
    const of = one.ehr ? ` [${one.ehr}]` : "";
    lines.push(`  ${findingStates[one.state].word}: ${one.check}${of}: ${one.measured} (${one.code})`);
    if (one.state === "fine" || one.state === "not-used") continue;
    lines.push(`    Why: ${one.cause}`, `    Who: ${owners[one.owner]}`);
    if (one.fix) lines.push(`    Fix: ${one.fix}`);
    for (const line of one.copy?.split("\n") ?? []) lines.push(`      ${line}`);
  }
  return `${lines.join("\n")}\n`;
}

/** The integration records, for whoever types them. */
export function recordsText(organization: string, records: RecordsView): string {
  const lines = [`Roomed: integration records of ${organization}`];
  const all = (values: RecordValue[]) => {
    for (const { field, value } of values) lines.push(`  ${fields[field].name}:`, ...value.split("\n").map((line) => `    ${line}`));
  };
  for (const ehr of records.ehrs) {
    lines.push("", `${ehr.iss} (${environment(ehr.environment)})`, "", "Clients and keys");
    all(ehr.clients);
    for (const record of ehr.records) {
      lines.push("", recordKinds[record.kind].title);
      all(record.values);
    }
  }
  if (records.microsoft.length > 0) {
    lines.push("", "Microsoft Entra");
    all(records.microsoft);
  }
  return `${lines.join("\n")}\n`;
}

export function environment(word: string): string {
  return { test: "test environment", production: "production" }[word] ?? word;
}
