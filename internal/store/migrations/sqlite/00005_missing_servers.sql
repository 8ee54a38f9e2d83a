-- +goose Up

-- A server that is not found when it is asked for is missing; that it is gone is settled
-- an hour later, or by an approver.
ALTER TABLE servers ADD COLUMN not_found_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE servers ADD COLUMN asked_at BIGINT NOT NULL DEFAULT 0;
UPDATE servers SET not_found_at = gone_at, gone_at = 0 WHERE gone_at > 0; -- only a list had said so

-- The sessions that an inspection saw, as JSON; empty when they could not be read.
ALTER TABLE results ADD COLUMN sessions TEXT NOT NULL DEFAULT '';
UPDATE results SET sessions = detail, detail = '' WHERE phase = 'inspect' AND detail LIKE '[%';

-- When a server is read once more for a key that may have landed after it was held to be gone.
CREATE TABLE later_looks (
    placement_id BIGINT NOT NULL REFERENCES placements (id),
    due_at       BIGINT NOT NULL,
    PRIMARY KEY (placement_id, due_at)
);
CREATE INDEX later_looks_due ON later_looks (due_at);
