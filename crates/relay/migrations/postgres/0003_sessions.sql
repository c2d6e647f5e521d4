-- Short-lived secrets (as hashes), links between EHR users and Microsoft identities, holds on Graph subscriptions.

CREATE TABLE one_time (
    kind         TEXT COLLATE "C" NOT NULL,
    hash         TEXT COLLATE "C" NOT NULL,
    organization TEXT COLLATE "C" NOT NULL,
    payload      BYTEA NOT NULL,
    expires_at   BIGINT NOT NULL,
    PRIMARY KEY (kind, hash)
);
CREATE INDEX one_time_expiry ON one_time (expires_at);

CREATE TABLE page_session (
    hash        TEXT COLLATE "C" PRIMARY KEY,
    visit       TEXT COLLATE "C" NOT NULL REFERENCES visit (id) ON DELETE CASCADE,
    participant TEXT NOT NULL,
    expires_at  BIGINT NOT NULL
);
CREATE INDEX page_session_visit ON page_session (visit);
CREATE INDEX page_session_expiry ON page_session (expires_at);

CREATE TABLE link (
    organization TEXT COLLATE "C" NOT NULL,
    iss          TEXT COLLATE "C" NOT NULL,
    fhir_user    TEXT COLLATE "C" NOT NULL,
    tid          TEXT COLLATE "C" NOT NULL,
    oid          TEXT COLLATE "C" NOT NULL,
    linked_at    BIGINT NOT NULL,
    PRIMARY KEY (organization, iss, fhir_user)
);
CREATE INDEX link_person ON link (organization, tid, oid);

CREATE TABLE watch (
    subscription      TEXT COLLATE "C" PRIMARY KEY,
    organization      TEXT COLLATE "C" NOT NULL,
    visit             TEXT COLLATE "C" NOT NULL REFERENCES visit (id) ON DELETE CASCADE,
    client_state_hash TEXT NOT NULL,
    certificate_id    TEXT NOT NULL,
    expires_at        BIGINT NOT NULL
);
CREATE INDEX watch_expiry ON watch (expires_at);
CREATE INDEX watch_visit ON watch (visit);
