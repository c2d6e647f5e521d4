-- Meetings that their visits have given up, to be deleted where they were made. The visit may be in another one by then; what
-- is kept of the meeting is sealed under the visit's key, and of no use without it.

CREATE TABLE given_up (
    id           TEXT COLLATE "C" PRIMARY KEY,
    visit        TEXT COLLATE "C" NOT NULL REFERENCES visit (id) ON DELETE CASCADE,
    organization TEXT COLLATE "C" NOT NULL,
    sealed       BYTEA NOT NULL,
    since        BIGINT NOT NULL,
    due_at       BIGINT NOT NULL,
    attempt      INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX given_up_due ON given_up (due_at);
CREATE INDEX given_up_visit ON given_up (visit);
