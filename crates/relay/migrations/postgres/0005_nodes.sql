-- Several nodes: who is alive, and whose companion is at which of them. A row of `node` is a node that is alive: it goes
-- when the node stops or is given up, and whatever hangs on it goes with it. SQLite needs none of it: its file is one
-- process's own.

CREATE TABLE node (
    id      TEXT COLLATE "C" PRIMARY KEY,
    stretch BIGINT GENERATED ALWAYS AS IDENTITY, -- another one after it was given up
    seen_at BIGINT NOT NULL                      -- the database's time
) WITH (fillfactor = 50);

CREATE TABLE companion (
    organization TEXT COLLATE "C" NOT NULL,
    tid          TEXT COLLATE "C" NOT NULL,
    oid          TEXT COLLATE "C" NOT NULL,
    node         TEXT COLLATE "C" NOT NULL REFERENCES node (id) ON DELETE CASCADE,
    PRIMARY KEY (organization, tid, oid, node)
);
CREATE INDEX companion_node ON companion (node);
