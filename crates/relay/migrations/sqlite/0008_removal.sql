-- Ended visits whose meeting somebody has to empty, and our own leg in it. No reference to the visit: a leg that is in has to
-- come out, even when the visit is forgotten.

CREATE TABLE removal (
    visit        TEXT PRIMARY KEY,
    organization TEXT NOT NULL,
    due_at       INTEGER NOT NULL,
    attempt      INTEGER NOT NULL DEFAULT 0,
    call_id      TEXT,
    refused      TEXT
) STRICT;
CREATE INDEX removal_due ON removal (due_at);
