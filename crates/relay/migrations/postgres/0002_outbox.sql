-- Delivery to EHRs, as SQLite's has been since 0004.

-- state: 0 waiting, 1 in flight, 2 delivered, 3 superseded, 4 parked, 5 unsupported, 6 skipped, 7 quarantined.
-- channel: 0 state, 1 link (both: the newest supersedes), 2 audit, 3 message (both: each is said once, in order).
-- A row outlives its visit: then its payload is empty and only what an operator may see is left.
CREATE TABLE outbox (
    seq             BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- order of acceptance
    id              TEXT COLLATE "C" NOT NULL UNIQUE,
    organization    TEXT COLLATE "C" NOT NULL,
    ehr             TEXT COLLATE "C" NOT NULL,
    visit           TEXT COLLATE "C" NOT NULL,
    stream          TEXT COLLATE "C" NOT NULL,
    channel         BIGINT NOT NULL,
    participant     TEXT COLLATE "C" NOT NULL,
    sealed          BYTEA NOT NULL,
    reference       BYTEA NOT NULL,                    -- HMACs under the organization's ledger key
    digest          BYTEA NOT NULL,
    state           BIGINT NOT NULL DEFAULT 0,
    history         BOOLEAN NOT NULL DEFAULT false,    -- of a visit that has closed; open visits go first
    for_identifier  BOOLEAN NOT NULL DEFAULT false,    -- waits for an id the EHR does not have yet
    uncertain       BOOLEAN NOT NULL DEFAULT false,    -- an attempt may have been applied
    possible_double BOOLEAN NOT NULL DEFAULT false,    -- parked since sending it again could double it
    run_at          BIGINT NOT NULL,
    lease_until     BIGINT,                            -- the database's time
    fence           BIGINT NOT NULL DEFAULT 0,
    attempts        BIGINT NOT NULL DEFAULT 0,
    failures        BIGINT NOT NULL DEFAULT 0,         -- those that count against the row
    failed_at       BIGINT,
    reassert_at     BIGINT,                            -- once delivered, say it again then
    accepted_at     BIGINT NOT NULL,
    delivered_at    BIGINT,
    settled_at      BIGINT,                            -- since when it stands in a state that is not 0 or 1
    reason          TEXT
) WITH (
    -- Every delivery leaves dead entries at the front of outbox_runnable; a backlog must not make each claim walk them.
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
    autovacuum_analyze_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0
);
-- The claim walks this index in its own order; without it a backlog makes every claim a sort.
CREATE INDEX outbox_runnable ON outbox (organization, ehr, history, run_at, seq) WHERE state = 0;
CREATE UNIQUE INDEX outbox_one_waiting ON outbox (stream) WHERE state = 0 AND channel < 2;
CREATE UNIQUE INDEX outbox_one_in_flight ON outbox (stream) WHERE state = 1;
CREATE INDEX outbox_unsettled ON outbox (stream, seq) WHERE state IN (0, 1);
CREATE INDEX outbox_lease ON outbox (organization, ehr, lease_until) WHERE state = 1;
CREATE INDEX outbox_stream ON outbox (stream, seq);
CREATE INDEX outbox_visit ON outbox (visit, participant, seq);
CREATE INDEX outbox_stuck ON outbox (state, seq) WHERE state IN (4, 5, 7);
CREATE INDEX outbox_accepted ON outbox (accepted_at, seq);
CREATE INDEX outbox_oldest ON outbox (accepted_at) WHERE state IN (0, 1) AND delivered_at IS NULL;

-- How each EHR connection is doing (JSON): its pace and its breaker survive a restart and are shared by all nodes. The
-- row is also the lock under which this connection's rows are claimed and settled.
CREATE TABLE ehr_connection (
    organization TEXT COLLATE "C" NOT NULL,
    ehr          TEXT COLLATE "C" NOT NULL,
    state        TEXT NOT NULL,
    PRIMARY KEY (organization, ehr)
) WITH (fillfactor = 50);
