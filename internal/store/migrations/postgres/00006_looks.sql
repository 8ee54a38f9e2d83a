-- +goose Up

-- When a key that is placed is to be looked for before it is called already there; 0 for never.
ALTER TABLE placements ADD COLUMN verify_at BIGINT NOT NULL DEFAULT 0;
CREATE INDEX placements_verify ON placements (verify_at) WHERE verify_at > 0;

-- When a server was last read for keys that carry this ledger's label; 0 for never.
ALTER TABLE servers ADD COLUMN looked_at BIGINT NOT NULL DEFAULT 0;
