-- The relay's first schema. Times are milliseconds since 1970 (UTC). Bytes are sealed or HMACs; nothing clinical is
-- readable. Keys are compared byte by byte (COLLATE "C"): the same order as in SQLite, and no index that a newer C
-- library's idea of the alphabet breaks.

CREATE TABLE organization_key (
    organization TEXT COLLATE "C" PRIMARY KEY,
    wrapped      BYTEA NOT NULL
);

CREATE TABLE visit (
    id             TEXT COLLATE "C" PRIMARY KEY,
    organization   TEXT COLLATE "C" NOT NULL,
    appointment    BYTEA NOT NULL,         -- HMAC of iss and appointment id
    key_day        TEXT COLLATE "C" NOT NULL, -- the daily key without which key_wrapped opens nothing
    key_wrapped    BYTEA NOT NULL,
    sealed         BYTEA NOT NULL,
    stage          TEXT NOT NULL,
    planned_start  BIGINT NOT NULL,
    planned_end    BIGINT NOT NULL,
    next_timer_at  BIGINT,
    closed_at      BIGINT,
    version        BIGINT NOT NULL,
    created_at     BIGINT NOT NULL,
    meeting        BYTEA,                  -- HMAC of the meeting's id
    meeting_sealed BYTEA,
    UNIQUE (organization, appointment)
);
CREATE INDEX visit_open ON visit (organization, planned_start) WHERE closed_at IS NULL;
CREATE INDEX visit_timer ON visit (next_timer_at) WHERE next_timer_at IS NOT NULL;
CREATE INDEX visit_key_day ON visit (key_day);
CREATE UNIQUE INDEX visit_meeting ON visit (organization, meeting) WHERE meeting IS NOT NULL;

CREATE TABLE visit_member (
    visit    TEXT COLLATE "C" NOT NULL REFERENCES visit (id) ON DELETE CASCADE,
    tid      TEXT COLLATE "C" NOT NULL,
    oid      TEXT COLLATE "C" NOT NULL,
    proven   BOOLEAN NOT NULL,
    covering BOOLEAN NOT NULL,
    PRIMARY KEY (visit, tid, oid)
);
CREATE INDEX visit_member_person ON visit_member (tid, oid, visit);

-- Events that were answered: each is accepted once.
CREATE TABLE inbox (
    source  TEXT COLLATE "C" NOT NULL,
    key     TEXT COLLATE "C" NOT NULL,
    visit   TEXT COLLATE "C" NOT NULL,
    seen_at BIGINT NOT NULL,
    PRIMARY KEY (source, key)
);

CREATE TABLE recipient (
    organization TEXT COLLATE "C" NOT NULL,
    tid          TEXT COLLATE "C" NOT NULL,
    oid          TEXT COLLATE "C" NOT NULL,
    last_notice  BIGINT NOT NULL DEFAULT 0,
    last_seen_at BIGINT,
    PRIMARY KEY (organization, tid, oid)
);

CREATE TABLE notice (
    organization TEXT COLLATE "C" NOT NULL,
    tid          TEXT COLLATE "C" NOT NULL,
    oid          TEXT COLLATE "C" NOT NULL,
    seq          BIGINT NOT NULL,
    visit        TEXT COLLATE "C" NOT NULL,
    at           BIGINT NOT NULL,
    kind         TEXT NOT NULL,
    PRIMARY KEY (organization, tid, oid, seq)
);
CREATE INDEX notice_age ON notice (at);
