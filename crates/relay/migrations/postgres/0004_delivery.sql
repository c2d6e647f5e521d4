-- The ledger, and what is left of a closed visit. The outbox has its shape from 0002 on.

-- Append-only. `link` is SHA-256 over `seq`, the link before, and every other column (crates/relay/src/ledger/record.rs).
CREATE TABLE ledger (
    seq          BIGINT PRIMARY KEY,
    previous     BYTEA NOT NULL,
    link         BYTEA NOT NULL,
    kind         TEXT NOT NULL,
    at           BIGINT NOT NULL,
    organization TEXT NOT NULL,
    ehr          TEXT NOT NULL,
    entry        TEXT COLLATE "C" NOT NULL,
    channel      TEXT NOT NULL,
    attempt      BIGINT NOT NULL,
    fence        BIGINT NOT NULL,
    reference    BYTEA NOT NULL,
    digest       BYTEA NOT NULL,
    outcome      TEXT NOT NULL,
    reason       TEXT NOT NULL
);
CREATE INDEX ledger_entry ON ledger (entry, seq);
CREATE FUNCTION ledger_stays() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the ledger is append-only'; END $$;
CREATE TRIGGER ledger_is_not_rewritten BEFORE UPDATE OR DELETE ON ledger
    FOR EACH ROW EXECUTE FUNCTION ledger_stays();
CREATE TRIGGER ledger_is_not_cut BEFORE TRUNCATE ON ledger
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_stays();

-- The end of the chain, and the lock under which it grows. One row, taken last by every transaction that appends.
CREATE TABLE ledger_head (
    sole BOOLEAN PRIMARY KEY DEFAULT true CHECK (sole),
    seq  BIGINT NOT NULL,
    link BYTEA NOT NULL
) WITH (fillfactor = 10);
INSERT INTO ledger_head (seq, link) VALUES (0, decode(repeat('00', 32), 'hex'));

-- What is left of a closed visit.
CREATE TABLE visit_summary (
    visit         TEXT COLLATE "C" PRIMARY KEY,
    organization  TEXT COLLATE "C" NOT NULL,
    appointment   BYTEA NOT NULL,         -- HMAC
    department    TEXT,
    practitioner  TEXT,                   -- Entra object id
    outcome       TEXT NOT NULL,
    planned_start BIGINT NOT NULL,
    arrived_at    BIGINT,
    started_at    BIGINT,
    ended_at      BIGINT,
    closed_at     BIGINT NOT NULL,
    delivered     BIGINT NOT NULL,
    undelivered   BIGINT NOT NULL
);
CREATE INDEX visit_summary_start ON visit_summary (organization, planned_start);

CREATE INDEX visit_closed ON visit (closed_at) WHERE closed_at IS NOT NULL;
CREATE INDEX inbox_age ON inbox (seen_at);
