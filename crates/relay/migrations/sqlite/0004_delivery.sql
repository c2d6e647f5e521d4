-- Delivery to several kinds of EHR, the ledger, and what is left of a closed visit.

-- state: 0 waiting, 1 in flight, 2 delivered, 3 superseded, 4 parked, 5 unsupported, 6 skipped, 7 quarantined.
-- channel: 0 state, 1 link (both: the newest supersedes), 2 audit, 3 message (both: each is said once, in order).
-- A row outlives its visit: then its payload is empty and only what an operator may see is left.
CREATE TABLE outbox_new (
    seq             INTEGER PRIMARY KEY AUTOINCREMENT, -- order of acceptance
    id              TEXT NOT NULL UNIQUE,
    organization    TEXT NOT NULL,
    ehr             TEXT NOT NULL,
    visit           TEXT NOT NULL,
    stream          TEXT NOT NULL,
    channel         INTEGER NOT NULL,
    participant     TEXT NOT NULL,
    sealed          BLOB NOT NULL,
    reference       BLOB NOT NULL,                     -- HMACs under the organization's ledger key
    digest          BLOB NOT NULL,
    state           INTEGER NOT NULL DEFAULT 0,
    history         INTEGER NOT NULL DEFAULT 0,        -- 1: of a visit that has closed; open visits go first
    for_identifier  INTEGER NOT NULL DEFAULT 0,        -- waits for an id the EHR does not have yet
    uncertain       INTEGER NOT NULL DEFAULT 0,        -- an attempt may have been applied
    possible_double INTEGER NOT NULL DEFAULT 0,        -- parked since sending it again could double it
    run_at          INTEGER NOT NULL,
    lease_until     INTEGER,                           -- the database's time
    fence           INTEGER NOT NULL DEFAULT 0,
    attempts        INTEGER NOT NULL DEFAULT 0,
    failures        INTEGER NOT NULL DEFAULT 0,        -- those that count against the row
    failed_at       INTEGER,
    reassert_at     INTEGER,                           -- once delivered, say it again then
    accepted_at     INTEGER NOT NULL,
    delivered_at    INTEGER,
    settled_at      INTEGER,                           -- since when it stands in a state that is not 0 or 1
    reason          TEXT
) STRICT;
INSERT INTO outbox_new (seq, id, organization, ehr, visit, stream, channel, participant, sealed, reference, digest, state,
                        for_identifier, run_at, lease_until, fence, attempts, failures, reassert_at, accepted_at,
                        delivered_at, settled_at, reason)
SELECT outbox.seq, outbox.id, visit.organization, outbox.ehr, outbox.visit, outbox.stream, 0, outbox.participant,
       outbox.sealed, x'', x'', outbox.state, outbox.for_identifier, outbox.run_at, outbox.lease_until, outbox.fence,
       outbox.attempts, outbox.failures, outbox.reassert_at, outbox.accepted_at, outbox.delivered_at,
       CASE WHEN outbox.state > 1 THEN coalesce(outbox.delivered_at, outbox.accepted_at) END, outbox.reason
FROM outbox JOIN visit ON visit.id = outbox.visit;
DROP TABLE attempt;
DROP TABLE outbox;
ALTER TABLE outbox_new RENAME TO outbox;
-- The claim walks this index in its own order; without it a backlog makes every claim a sort. The last column is for
-- counting: a backlog is counted here and not row by row.
CREATE INDEX outbox_runnable ON outbox (organization, ehr, history, run_at, seq, for_identifier) WHERE state = 0;
CREATE UNIQUE INDEX outbox_one_waiting ON outbox (stream) WHERE state = 0 AND channel < 2;
CREATE UNIQUE INDEX outbox_one_in_flight ON outbox (stream) WHERE state = 1;
CREATE INDEX outbox_unsettled ON outbox (stream, seq) WHERE state IN (0, 1);
CREATE INDEX outbox_lease ON outbox (organization, ehr, lease_until) WHERE state = 1;
CREATE INDEX outbox_stream ON outbox (stream, seq);
CREATE INDEX outbox_visit ON outbox (visit, participant, seq);
CREATE INDEX outbox_stuck ON outbox (state, seq) WHERE state IN (4, 5, 7);
CREATE INDEX outbox_accepted ON outbox (accepted_at, seq);
CREATE INDEX outbox_oldest ON outbox (accepted_at) WHERE state IN (0, 1) AND delivered_at IS NULL;

-- How each EHR connection is doing (JSON): its pace and its breaker survive a restart and are shared by all nodes.
CREATE TABLE ehr_connection (
    organization TEXT NOT NULL,
    ehr          TEXT NOT NULL,
    state        TEXT NOT NULL,
    PRIMARY KEY (organization, ehr)
) STRICT, WITHOUT ROWID;

-- Append-only. `link` is SHA-256 over `seq`, the link before, and every other column (crates/relay/src/ledger/record.rs).
CREATE TABLE ledger (
    seq          INTEGER PRIMARY KEY,
    previous     BLOB NOT NULL,
    link         BLOB NOT NULL,
    kind         TEXT NOT NULL,
    at           INTEGER NOT NULL,
    organization TEXT NOT NULL,
    ehr          TEXT NOT NULL,
    entry        TEXT NOT NULL,
    channel      TEXT NOT NULL,
    attempt      INTEGER NOT NULL,
    fence        INTEGER NOT NULL,
    reference    BLOB NOT NULL,
    digest       BLOB NOT NULL,
    outcome      TEXT NOT NULL,
    reason       TEXT NOT NULL
) STRICT;
CREATE INDEX ledger_entry ON ledger (entry, seq);
-- Against INSERT OR REPLACE too, for which SQLite does not ask the trigger on DELETE.
CREATE TRIGGER ledger_has_no_gaps BEFORE INSERT ON ledger
WHEN NEW.seq <> (SELECT coalesce(max(seq), 0) + 1 FROM ledger)
BEGIN SELECT raise(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER ledger_is_not_rewritten BEFORE UPDATE ON ledger
BEGIN SELECT raise(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER ledger_is_not_cut BEFORE DELETE ON ledger
BEGIN SELECT raise(ABORT, 'the ledger is append-only'); END;

-- What is left of a closed visit.
CREATE TABLE visit_summary (
    visit         TEXT PRIMARY KEY,
    organization  TEXT NOT NULL,
    appointment   BLOB NOT NULL,          -- HMAC
    department    TEXT,
    practitioner  TEXT,                   -- Entra object id
    outcome       TEXT NOT NULL,
    planned_start INTEGER NOT NULL,
    arrived_at    INTEGER,
    started_at    INTEGER,
    ended_at      INTEGER,
    closed_at     INTEGER NOT NULL,
    delivered     INTEGER NOT NULL,
    undelivered   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX visit_summary_start ON visit_summary (organization, planned_start);

CREATE INDEX visit_closed ON visit (closed_at) WHERE closed_at IS NOT NULL;
CREATE INDEX inbox_age ON inbox (seen_at);
