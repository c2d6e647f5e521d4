-- Messages in which one-time links leave. Address and link are sealed under the visit's key, and gone once it has left.

CREATE TABLE letter (
    id           TEXT PRIMARY KEY,
    visit        TEXT NOT NULL REFERENCES visit (id) ON DELETE CASCADE,
    organization TEXT NOT NULL,
    sealed       BLOB NOT NULL,
    due_at       INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    attempt      INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX letter_due ON letter (due_at);
CREATE INDEX letter_visit ON letter (visit);
