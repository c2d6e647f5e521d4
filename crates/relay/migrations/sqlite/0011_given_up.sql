-- Meetings that their visits have given up, to be deleted where they were made. The visit may be in another one by then; what
-- is kept of the meeting is sealed under the visit's key, and of no use without it.

CREATE TABLE given_up (
    id           TEXT PRIMARY KEY,
    visit        TEXT NOT NULL REFERENCES visit (id) ON DELETE CASCADE,
    organization TEXT NOT NULL,
    sealed       BLOB NOT NULL,
    since        INTEGER NOT NULL,
    due_at       INTEGER NOT NULL,
    attempt      INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX given_up_due ON given_up (due_at);
CREATE INDEX given_up_visit ON given_up (visit);
