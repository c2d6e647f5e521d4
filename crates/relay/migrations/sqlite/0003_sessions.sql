-- Short-lived secrets (as hashes), links between EHR users and Microsoft identities, holds on Graph subscriptions.

CREATE TABLE one_time (
    kind         TEXT NOT NULL,
    hash         TEXT NOT NULL,
    organization TEXT NOT NULL,
    payload      BLOB NOT NULL,
    expires_at   INTEGER NOT NULL,
    PRIMARY KEY (kind, hash)
) STRICT, WITHOUT ROWID;
CREATE INDEX one_time_expiry ON one_time (expires_at);

CREATE TABLE page_session (
    hash        TEXT PRIMARY KEY,
    visit       TEXT NOT NULL REFERENCES visit (id) ON DELETE CASCADE,
    participant TEXT NOT NULL,
    expires_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX page_session_visit ON page_session (visit);
CREATE INDEX page_session_expiry ON page_session (expires_at);

CREATE TABLE link (
    organization TEXT NOT NULL,
    iss          TEXT NOT NULL,
    fhir_user    TEXT NOT NULL,
    tid          TEXT NOT NULL,
    oid          TEXT NOT NULL,
    linked_at    INTEGER NOT NULL,
    PRIMARY KEY (organization, iss, fhir_user)
) STRICT, WITHOUT ROWID;
CREATE INDEX link_person ON link (organization, tid, oid);

CREATE TABLE watch (
    subscription      TEXT PRIMARY KEY,
    organization      TEXT NOT NULL,
    visit             TEXT NOT NULL REFERENCES visit (id) ON DELETE CASCADE,
    client_state_hash TEXT NOT NULL,
    certificate_id    TEXT NOT NULL,
    expires_at        INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX watch_expiry ON watch (expires_at);
CREATE INDEX watch_visit ON watch (visit);
