-- People who are signed in with a browser. The cookie's value is kept as a hash; what is sealed is sealed under the value.

CREATE TABLE web_session (
    hash         TEXT COLLATE "C" PRIMARY KEY,
    organization TEXT COLLATE "C" NOT NULL,
    tid          TEXT COLLATE "C" NOT NULL,
    oid          TEXT COLLATE "C" NOT NULL,
    roles        TEXT NOT NULL,
    sealed       BYTEA NOT NULL,
    ends_at      BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL
);
CREATE INDEX web_session_expiry ON web_session (expires_at);
CREATE INDEX web_session_person ON web_session (organization, tid, oid);
