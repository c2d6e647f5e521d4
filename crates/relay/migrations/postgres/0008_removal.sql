-- Ended visits whose meeting somebody has to empty, and our own leg in it. No reference to the visit: a leg that is in has to
-- come out, even when the visit is forgotten.

CREATE TABLE removal (
    visit        TEXT COLLATE "C" PRIMARY KEY,
    organization TEXT COLLATE "C" NOT NULL,
    due_at       BIGINT NOT NULL,
    attempt      INTEGER NOT NULL DEFAULT 0,
    call_id      TEXT COLLATE "C",
    refused      TEXT COLLATE "C"
);
CREATE INDEX removal_due ON removal (due_at);
