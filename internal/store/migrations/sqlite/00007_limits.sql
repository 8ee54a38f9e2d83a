-- +goose Up

-- Since when a server has been offline without a break, as far as was read.
ALTER TABLE servers ADD COLUMN offline_since BIGINT NOT NULL DEFAULT 0;
