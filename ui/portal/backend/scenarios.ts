// Scripted organizations for browser tests and pictures. Never in what ships. People and organizations are invented.
import type {
  DoctorFinding,
  DoctorReport,
  LedgerRow,
  PortalMe,
  RecordsView,
  ReportHour,
  ReportView,
  ReportVisit,
  WriteBackRow,
} from "../../shared/protocol";

const MINUTE = 60_000;
const iss = "https://ehr.northside.example/interconnect/api/FHIR/R4";
const relay = "https://roomed.example";

export const me: PortalMe = {
  key: "northside",
  organization: "Northside Health",
  display_name: "Morgan Whitfield",
  roles: ["admin"],
  steps: [
    { step: "prerequisites", state: "todo" },
    { step: "records", state: "open" },
    { step: "doctor", state: "open" },
    { step: "write-backs", state: "attention" },
    { step: "ledger", state: "open" },
    { step: "report", state: "open" },
    { step: "unknown", state: "unknown" },
  ],
};

export const reader: PortalMe = { ...me, display_name: "Alex Reyes", roles: ["reports"], steps: [{ step: "report", state: "open" }] };

function finding(check: string, area: DoctorFinding["area"], more: Partial<DoctorFinding>): DoctorFinding {
  const own = area === "entra" || area === "graph" || area === "ehr";
  return { check, area, prerequisite: own, state: "fine", code: "fine", measured: "", cause: "As it should be.", owner: "it", fix: "", ...more };
}

/** All is well but for what no test can tell. */
const well: DoctorFinding[] = [
  finding("entra.configuration", "entra", { measured: "answered in 84 ms", cause: "The tenant says the same of itself as the configuration.", owner: "microsoft-365-admin" }),
  finding("entra.secret", "entra", { measured: "a token for 3599 s", cause: "The relay's client id and secret are good.", owner: "microsoft-365-admin" }),
  finding("graph.meetings", "graph", { measured: "made in 412 ms", cause: "The relay may make meetings for the organizer: one was made.", owner: "microsoft-365-admin" }),
  finding("graph.notifications", "graph", { measured: "reached in 1.2 s", cause: "Graph reaches the relay's notification address from outside." }),
  finding("graph.removal", "graph", { state: "not-used", code: "removal-not-used", cause: "People are asked to leave, not removed (`meeting.removal`).", owner: "microsoft-365-admin" }),
  finding("ehr.configuration", "ehr", { ehr: iss, measured: "answered in 210 ms", cause: "The EHR says where to sign in.", owner: "ehr-analyst" }),
  finding("ehr.write", "ehr", {
    ehr: iss,
    state: "cannot-tell",
    code: "write-unproven",
    measured: "connection-status service",
    cause: "Epic's connection-status service has no call that changes nothing, so it was not called.",
    owner: "ehr-analyst",
    fix: "Play a visit in the test environment and look at the schedule; the write-backs say what Epic answered.",
  }),
  finding("address.relay", "address", { measured: "answered in 31 ms", cause: "The relay answers at its address." }),
  finding("database.schema", "database", { measured: "migration 11", cause: "The database is the one this version writes to." }),
];

const wrong: DoctorFinding[] = [
  finding("graph.meetings", "graph", {
    state: "wrong",
    code: "access-policy-missing",
    measured: "403",
    cause: "The relay may not make meetings for the organizer. Granted already? Then it may take up to 30 minutes.",
    owner: "microsoft-365-admin",
    fix: "Grant the application access policy to the organizer's account (Teams PowerShell, below).",
    copy: 'New-CsApplicationAccessPolicy -Identity Roomed -AppIds "5d1f0e0c-71a4-4f0e-9a3e-2c9c6f3f1a10" -Description "Roomed makes the meetings of virtual visits"\nGrant-CsApplicationAccessPolicy -PolicyName Roomed -Identity "0b7d2a4e-1111-4222-8333-94c1b6a0d001"',
  }),
  finding("graph.patient-link", "graph", { state: "cannot-tell", code: "not-asked", measured: "needs a meeting", cause: "It was not asked.", owner: "microsoft-365-admin" }),
  finding("ehr.backend", "ehr", {
    ehr: iss,
    state: "wrong",
    code: "backend-unknown",
    measured: "invalid_client",
    cause: "The EHR does not know our keys yet, or not this client id: Epic may take up to 12 hours to fetch new keys.",
    owner: "ehr-analyst",
    fix: "Register the address of the keys below for the backend client, in this environment, and wait.",
    copy: `8b2c6c1e-backend\n${relay}/.well-known/jwks.json`,
  }),
  finding("ehr.certificate", "ehr", {
    ehr: iss,
    state: "wait",
    code: "ehr-tls-ending",
    measured: "until 12 December 2026",
    cause: "The EHR's certificate ends in less than 30 days.",
    owner: "ehr-analyst",
    fix: "Tell whoever looks after the EHR's servers: at the day it ends the relay can neither read nor write.",
  }),
];

export function reportOf(name: string, now: number): DoctorReport {
  const findings = name === "well" ? well : [...wrong, ...well.filter((one) => !wrong.some((other) => other.check === one.check))];
  // As the relay sends it: areas with something wrong first, in each the worst first.
  const order = ["wrong", "wait", "cannot-tell", "fine", "not-used"];
  const areas = name === "well" ? ["database", "address", "entra", "graph", "ehr"] : ["graph", "ehr", "database", "address", "entra"];
  findings.sort((a, b) => areas.indexOf(a.area) - areas.indexOf(b.area) || order.indexOf(a.state) - order.indexOf(b.state));
  return { at: new Date(now).toISOString(), version: "0.1.0", public_url: relay, findings };
}

export const records: RecordsView = {
  ehrs: [
    {
      iss,
      vendor: "epic",
      environment: "test",
      clients: [
        { field: "companion-client-id", value: "3f0c4c8a-companion" },
        { field: "companion-redirect", value: `${relay}/oauth/callback` },
        { field: "patient-client-id", value: "91d7a2b4-patient" },
        { field: "patient-redirect", value: `${relay}/o/northside/patient/callback` },
        { field: "backend-client-id", value: "8b2c6c1e-backend" },
        { field: "backend-scopes", value: "system/Appointment.rs system/Practitioner.rs" },
        { field: "jwks-url", value: `${relay}/.well-known/jwks.json` },
      ],
      records: [
        {
          kind: "provider",
          values: [
            { field: "launch-url", value: `${relay}/o/northside/launch` },
            { field: "context-tokens", value: "sessionId=%CSN%&departmentId=%PERFDEPID;;; ; ;;NONE;%" },
          ],
        },
        {
          kind: "patient",
          values: [
            { field: "launch-url", value: `${relay}/o/northside/patient` },
            { field: "context-tokens", value: "sessionId=%CSN%" },
          ],
        },
        {
          kind: "provider-group",
          values: [
            { field: "launch-url", value: `${relay}/o/northside/launch` },
            { field: "context-tokens", value: "sessionId=%CONFERENCEID%&departmentId=%PERFDEPID;;; ; ;;NONE;%" },
          ],
        },
        { kind: "device-test", values: [{ field: "launch-url", value: `${relay}/o/northside/test` }] },
      ],
    },
  ],
  microsoft: [
    { field: "relay-client-id", value: "5d1f0e0c-71a4-4f0e-9a3e-2c9c6f3f1a10" },
    { field: "sign-in-redirect", value: `${relay}/sign-in/callback` },
    { field: "notification-url", value: `${relay}/graph/notifications\n${relay}/graph/lifecycle` },
  ],
};

export function writeBacks(now: number): WriteBackRow[] {
  const at = (minutes: number) => new Date(now - minutes * MINUTE).toISOString();
  const row = (id: string, minutes: number, more: Partial<WriteBackRow>): WriteBackRow => ({
    id,
    ehr: iss,
    visit: "01993c",
    channel: "state",
    state: "delivered",
    accepted_at: at(minutes),
    attempts: 1,
    possible_double: false,
    for_identifier: false,
    destroyed: false,
    may_retry: false,
    may_skip: false,
    ...more,
  });
  return [
    row("wb-delivered", 190, { delivered_at: at(189) }),
    row("wb-destroyed", 160, { state: "parked", destroyed: true, attempts: 12, reason: "The EHR takes others but not this one (422).", may_skip: true }),
    row("wb-parked", 120, { state: "parked", attempts: 3, reason: "The EHR does not know the appointment any more (404).", may_retry: true, may_skip: true }),
    row("wb-double", 95, {
      state: "parked",
      channel: "message",
      attempts: 2,
      possible_double: true,
      reason: "The connection broke off after the request had left.",
      may_retry: true,
      may_skip: true,
    }),
    row("wb-waiting", 3, { state: "waiting", attempts: 2, next_at: at(-2), reason: "The EHR is busy (503).", may_skip: true }),
    row("wb-superseded", 2, { state: "superseded", attempts: 0 }),
  ];
}

export function ledger(now: number): LedgerRow[] {
  const at = (minutes: number) => new Date(now - minutes * MINUTE).toISOString();
  const row = (seq: number, minutes: number, entry: string, kind: string, outcome = "", reason = ""): LedgerRow => ({
    seq,
    at: at(minutes),
    kind,
    entry,
    channel: "state",
    attempt: 1,
    outcome,
    reason,
  });
  return [
    row(7, 4, "wb-waiting", "settled", "waiting", "The EHR is busy (503)."),
    row(6, 4, "wb-waiting", "started"),
    row(5, 119, "wb-parked", "settled", "parked", "The EHR does not know the appointment any more (404)."),
    row(4, 120, "wb-parked", "started"),
    row(3, 150, "wb-old", "skipped", "", "Told by telephone."),
    row(2, 189, "wb-delivered", "settled", "delivered"),
    row(1, 190, "wb-delivered", "started"),
  ];
}

const departments = [
  { id: "20", name: "Cardiology" },
  { id: "10", name: "Family medicine" },
];

export function report(from: string, to: string): ReportView {
  const hours: ReportHour[] = [];
  for (const [index, { id }] of departments.entries())
    for (let hour = 8; hour < 17; hour += 1) {
      if (hour === 12) continue;
      const visits = 6 + ((hour * 7 + index * 5) % 9);
      const noshow = (hour + index) % 3;
      const met = visits - noshow - 1;
      hours.push({
        department: id,
        hour,
        visits,
        met,
        noshow,
        left_unseen: hour % 4 === 0 ? 1 : 0,
        waits: met,
        waited_seconds: met * (180 + 40 * ((hour + index) % 7)),
        together_seconds: met * (900 + 60 * (hour % 5)),
      });
    }
  hours.push({ hour: 9, visits: 2, met: 0, noshow: 0, left_unseen: 0, waits: 0, waited_seconds: 0, together_seconds: 0 });
  return { from, to, zone: "Europe/Berlin", departments, hours };
}

export function visits(now: number): ReportVisit[] {
  const at = (minutes: number) => new Date(now - minutes * MINUTE).toISOString();
  const row = (minutes: number, reference: string, more: Partial<ReportVisit>): ReportVisit => ({
    planned: at(minutes),
    outcome: "finished",
    missed: "none",
    reference,
    ...more,
  });
  return [
    row(1500, "9f2c51d07ab3e114", { start: at(1497), duration_seconds: 1260, clinician: "Dr. Rivera", department: departments[0]!, waited_seconds: 214 }),
    row(1440, "0be71c93d5520f6a", { outcome: "noshow", missed: "patient", clinician: "Dr. Rivera", department: departments[0]! }),
    row(1410, "77a0d4e2c18b9f35", { outcome: "cancelled", missed: "clinician", clinician: "Dr. Okafor", department: departments[1]!, waited_seconds: 1130, left_unseen: 1 }),
    row(1380, "c4417e60ab92d8f1", { outcome: "unverified", missed: "unknown" }),
  ];
}
