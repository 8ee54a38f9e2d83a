-- +goose Up

-- A key has a row for each person who ever held it. At most one of them holds it now.
CREATE TABLE key_owners (
    fingerprint   TEXT   NOT NULL,
    person        TEXT   NOT NULL DEFAULT '', -- empty for a key that was revoked and that nobody had registered
    type          TEXT   NOT NULL DEFAULT '',
    blob          TEXT   NOT NULL DEFAULT '',
    note          TEXT   NOT NULL DEFAULT '',
    registered_at BIGINT NOT NULL DEFAULT 0,
    proved_at     BIGINT NOT NULL DEFAULT 0,
    removed_at    BIGINT NOT NULL DEFAULT 0,
    ended         TEXT   NOT NULL DEFAULT '', -- removed, revoked, offboarded or lost; empty while it counts
    ended_by      TEXT   NOT NULL DEFAULT '',
    PRIMARY KEY (fingerprint, person)
);

INSERT INTO key_owners (fingerprint, person, type, blob, note, registered_at, removed_at, ended)
    SELECT fingerprint, person, type, blob, note, registered_at, removed_at, CASE WHEN removed_at = 0 THEN '' ELSE 'removed' END FROM person_keys;

UPDATE key_owners SET ended = 'offboarded',
        removed_at = (SELECT p.offboarded_at FROM persons p WHERE p.id = key_owners.person)
    WHERE person IN (SELECT id FROM persons WHERE offboarded_at <> 0);

UPDATE key_owners SET ended = 'revoked' WHERE removed_at <> 0 AND EXISTS (SELECT 1 FROM requests r
    WHERE r.kind = 'revoke' AND r.state = 'approved' AND r.fingerprint = key_owners.fingerprint AND r.pattern = '' AND r.decided_at >= key_owners.registered_at);

DROP TABLE person_keys;
ALTER TABLE key_owners RENAME TO person_keys;
CREATE INDEX person_keys_person ON person_keys (person);
CREATE UNIQUE INDEX person_keys_holder ON person_keys (fingerprint) WHERE removed_at = 0;

-- What somebody has to sign, and has not yet.
CREATE TABLE challenges (
    nonce       TEXT   NOT NULL PRIMARY KEY,
    person      TEXT   NOT NULL DEFAULT '',
    fingerprint TEXT   NOT NULL DEFAULT '',
    type        TEXT   NOT NULL DEFAULT '',
    blob        TEXT   NOT NULL DEFAULT '',
    note        TEXT   NOT NULL DEFAULT '',
    text        TEXT   NOT NULL DEFAULT '',
    expires_at  BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX challenges_person ON challenges (person, fingerprint);
