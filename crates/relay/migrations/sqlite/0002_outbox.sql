-- Delivery to EHRs. state: 0 waiting, 1 in flight, 2 delivered, 3 superseded, 4 parked, 5 unsupported.

CREATE TABLE outbox (
    seq           INTEGER PRIMARY KEY AUTOINCREMENT,   -- order of acceptance
    id            TEXT NOT NULL UNIQUE,
    stream        TEXT NOT NULL,
    visit         TEXT NOT NULL REFERENCES visit (id) ON DELETE CASCADE,
    participant   TEXT NOT NULL,
    ehr           TEXT NOT NULL,
    sealed        BLOB NOT NULL,
    state         INTEGER NOT NULL DEFAULT 0,
    for_identifier INTEGER NOT NULL DEFAULT 0,         -- waits for an id the EHR does not have yet
    run_at        INTEGER NOT NULL,
    lease_until   INTEGER,                             -- the database's time
    fence         INTEGER NOT NULL DEFAULT 0,
    attempts      INTEGER NOT NULL DEFAULT 0,
    failures      INTEGER NOT NULL DEFAULT 0,
    reassert_at   INTEGER,                             -- once delivered, say it again then
    accepted_at   INTEGER NOT NULL,
    delivered_at  INTEGER,
    reason        TEXT
) STRICT;
-- The claim walks this index in its own order; without it a backlog makes every claim a sort.
CREATE INDEX outbox_runnable ON outbox (run_at, seq) WHERE state = 0;
CREATE UNIQUE INDEX outbox_one_waiting ON outbox (stream) WHERE state = 0;
CREATE UNIQUE INDEX outbox_one_in_flight ON outbox (stream) WHERE state = 1;
CREATE INDEX outbox_lease ON outbox (lease_until) WHERE state = 1;
CREATE INDEX outbox_stream ON outbox (stream, seq);
CREATE INDEX outbox_visit ON outbox (visit, participant, seq);
CREATE INDEX outbox_stuck ON outbox (state) WHERE state IN (4, 5);

CREATE TABLE attempt (
    outbox     TEXT NOT NULL REFERENCES outbox (id) ON DELETE CASCADE,
    n          INTEGER NOT NULL,
    fence      INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    settled_at INTEGER,
    outcome    TEXT,
    reason     TEXT,
    PRIMARY KEY (outbox, n)
) STRICT, WITHOUT ROWID;
