-- +goose Up

-- When a grant ends by a clock that nobody can set. That clock starts with the wall clock.
ALTER TABLE grants ADD COLUMN steady_end BIGINT NOT NULL DEFAULT 0;
UPDATE grants SET steady_end = ends_at;
CREATE INDEX grants_steady ON grants (steady_end) WHERE state = 'live';
