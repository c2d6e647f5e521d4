-- Messages in which one-time links leave. Address and link are sealed under the visit's key, and gone once it has left.

CREATE TABLE letter (
    id           TEXT COLLATE "C" PRIMARY KEY,
    visit        TEXT COLLATE "C" NOT NULL REFERENCES visit (id) ON DELETE CASCADE,
    organization TEXT COLLATE "C" NOT NULL,
    sealed       BYTEA NOT NULL,
    due_at       BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    attempt      INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX letter_due ON letter (due_at);
CREATE INDEX letter_visit ON letter (visit);
