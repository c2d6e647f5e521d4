-- The relay's first schema. Times are milliseconds since 1970 (UTC). Blobs are sealed or HMACs; nothing clinical is readable.

CREATE TABLE organization_key (
    organization TEXT PRIMARY KEY,
    wrapped      BLOB NOT NULL
) STRICT;

CREATE TABLE visit (
    id             TEXT PRIMARY KEY,
    organization   TEXT NOT NULL,
    appointment    BLOB NOT NULL,          -- HMAC of iss and appointment id
    key_day        TEXT NOT NULL,          -- the daily key without which key_wrapped opens nothing
    key_wrapped    BLOB NOT NULL,
    sealed         BLOB NOT NULL,
    stage          TEXT NOT NULL,
    planned_start  INTEGER NOT NULL,
    planned_end    INTEGER NOT NULL,
    next_timer_at  INTEGER,
    closed_at      INTEGER,
    version        INTEGER NOT NULL,
    created_at     INTEGER NOT NULL,
    meeting        BLOB,                   -- HMAC of the meeting's id
    meeting_sealed BLOB,
    UNIQUE (organization, appointment)
) STRICT;
CREATE INDEX visit_open ON visit (organization, planned_start) WHERE closed_at IS NULL;
CREATE INDEX visit_timer ON visit (next_timer_at) WHERE next_timer_at IS NOT NULL;
CREATE INDEX visit_key_day ON visit (key_day);
CREATE UNIQUE INDEX visit_meeting ON visit (organization, meeting) WHERE meeting IS NOT NULL;

CREATE TABLE visit_member (
    visit    TEXT NOT NULL REFERENCES visit (id) ON DELETE CASCADE,
    tid      TEXT NOT NULL,
    oid      TEXT NOT NULL,
    proven   INTEGER NOT NULL,
    covering INTEGER NOT NULL,
    PRIMARY KEY (visit, tid, oid)
) STRICT, WITHOUT ROWID;
CREATE INDEX visit_member_person ON visit_member (tid, oid, visit);

-- Events that were answered: each is accepted once.
CREATE TABLE inbox (
    source  TEXT NOT NULL,
    key     TEXT NOT NULL,
    visit   TEXT NOT NULL,
    seen_at INTEGER NOT NULL,
    PRIMARY KEY (source, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE recipient (
    organization TEXT NOT NULL,
    tid          TEXT NOT NULL,
    oid          TEXT NOT NULL,
    last_notice  INTEGER NOT NULL DEFAULT 0,
    last_seen_at INTEGER,
    PRIMARY KEY (organization, tid, oid)
) STRICT, WITHOUT ROWID;

CREATE TABLE notice (
    organization TEXT NOT NULL,
    tid          TEXT NOT NULL,
    oid          TEXT NOT NULL,
    seq          INTEGER NOT NULL,
    visit        TEXT NOT NULL,
    at           INTEGER NOT NULL,
    kind         TEXT NOT NULL,
    PRIMARY KEY (organization, tid, oid, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX notice_age ON notice (at);
