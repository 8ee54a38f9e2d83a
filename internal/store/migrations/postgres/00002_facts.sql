-- +goose Up

-- What an approver decides on: the digest of what a request's messages show now, and with
-- it what each digest stands for, as long as the request is open.
ALTER TABLE requests ADD COLUMN facts TEXT NOT NULL DEFAULT '';
ALTER TABLE approvals ADD COLUMN facts TEXT NOT NULL DEFAULT '';
CREATE TABLE request_facts (
    request_id BIGINT NOT NULL REFERENCES requests (id),
    digest     TEXT   NOT NULL,
    facts      TEXT   NOT NULL, -- JSON
    PRIMARY KEY (request_id, digest)
);

-- Who else asked for the same end of access, and would otherwise have made a request.
CREATE TABLE request_askers (
    request_id BIGINT NOT NULL REFERENCES requests (id),
    asker      TEXT   NOT NULL,
    source     TEXT   NOT NULL,
    reason     TEXT   NOT NULL,
    at         BIGINT NOT NULL,
    PRIMARY KEY (request_id, asker)
);

-- Buttons of before carry no digest.
UPDATE drawings SET version = version + 1 WHERE request_id IN (SELECT id FROM requests WHERE state = 'pending');
