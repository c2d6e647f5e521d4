-- People who are signed in with a browser. The cookie's value is kept as a hash; what is sealed is sealed under the value.

CREATE TABLE web_session (
    hash         TEXT PRIMARY KEY,
    organization TEXT NOT NULL,
    tid          TEXT NOT NULL,
    oid          TEXT NOT NULL,
    roles        TEXT NOT NULL,
    sealed       BLOB NOT NULL,
    ends_at      INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX web_session_expiry ON web_session (expires_at);
CREATE INDEX web_session_person ON web_session (organization, tid, oid);
