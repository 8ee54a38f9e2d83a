-- +goose Up

ALTER TABLE persons ADD COLUMN returned_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE persons ADD COLUMN standing TEXT NOT NULL DEFAULT '';
ALTER TABLE requests ADD COLUMN undecidable BIGINT NOT NULL DEFAULT 0;

-- Whom Slack alone said to have left may return.
UPDATE persons SET standing = 'deactivated' WHERE id IN (
    SELECT person FROM requests WHERE kind = 'offboard' AND state = 'approved' AND source LIKE 'left:%'
);
