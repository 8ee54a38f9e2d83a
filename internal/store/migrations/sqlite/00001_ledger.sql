-- +goose Up

-- Times are milliseconds since 1970, 0 for none; booleans are 0 and 1.

CREATE TABLE persons (
    id            TEXT   NOT NULL PRIMARY KEY,
    offboarded_at BIGINT NOT NULL
);

CREATE TABLE person_keys (
    fingerprint   TEXT   NOT NULL PRIMARY KEY,
    person        TEXT   NOT NULL,
    type          TEXT   NOT NULL,
    blob          TEXT   NOT NULL,
    note          TEXT   NOT NULL,
    registered_at BIGINT NOT NULL,
    removed_at    BIGINT NOT NULL
);
CREATE INDEX person_keys_person ON person_keys (person);

CREATE TABLE requests (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    kind           TEXT   NOT NULL,
    state          TEXT   NOT NULL,
    source         TEXT   NOT NULL,
    asker          TEXT   NOT NULL,
    person         TEXT   NOT NULL,
    system_user    TEXT   NOT NULL,
    duration       BIGINT NOT NULL,
    pattern        TEXT   NOT NULL,
    reason         TEXT   NOT NULL,
    shortened_by   TEXT   NOT NULL,
    narrowed_by    TEXT   NOT NULL,
    asked_duration BIGINT NOT NULL,
    asked_pattern  TEXT   NOT NULL,
    fingerprint    TEXT   NOT NULL,
    public_key     TEXT   NOT NULL,
    grant_id       BIGINT NOT NULL,
    channel        TEXT   NOT NULL,
    created_at     BIGINT NOT NULL,
    expires_at     BIGINT NOT NULL,
    decided_at     BIGINT NOT NULL,
    decided_by     TEXT   NOT NULL,
    note           TEXT   NOT NULL,
    reminded_at    BIGINT NOT NULL
);
CREATE UNIQUE INDEX requests_source ON requests (source) WHERE source <> '';
CREATE INDEX requests_state ON requests (state, expires_at);
CREATE INDEX requests_person ON requests (person);
CREATE INDEX requests_asker ON requests (asker);

CREATE TABLE request_servers (
    request_id BIGINT NOT NULL REFERENCES requests (id),
    server_id  BIGINT NOT NULL,
    name       TEXT   NOT NULL,
    PRIMARY KEY (request_id, server_id)
);

CREATE TABLE approvals (
    request_id BIGINT NOT NULL REFERENCES requests (id),
    approver   TEXT   NOT NULL,
    verdict    TEXT   NOT NULL,
    reason     TEXT   NOT NULL,
    at         BIGINT NOT NULL,
    PRIMARY KEY (request_id, approver)
);

CREATE TABLE candidates (
    request_id    BIGINT NOT NULL REFERENCES requests (id),
    server_id     BIGINT NOT NULL,
    credential_id BIGINT NOT NULL,
    server_name   TEXT   NOT NULL,
    label         TEXT   NOT NULL,
    system_user   TEXT   NOT NULL,
    public_key    TEXT   NOT NULL,
    temporary     BIGINT, -- NULL where the target does not say
    created_at    BIGINT NOT NULL,
    why           TEXT   NOT NULL,
    picked_by     TEXT   NOT NULL,
    picked_at     BIGINT NOT NULL,
    spared        BIGINT NOT NULL,
    PRIMARY KEY (request_id, server_id, credential_id)
);

CREATE TABLE grants (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    request_id  BIGINT NOT NULL,
    person      TEXT   NOT NULL,
    alias       TEXT   NOT NULL,
    system_user TEXT   NOT NULL,
    state       TEXT   NOT NULL,
    starts_at   BIGINT NOT NULL,
    ends_at     BIGINT NOT NULL,
    ended_at    BIGINT NOT NULL,
    end_reason  TEXT   NOT NULL,
    ended_by    TEXT   NOT NULL,
    reminded_at BIGINT NOT NULL
);
CREATE INDEX grants_live ON grants (ends_at) WHERE state = 'live';
CREATE INDEX grants_person ON grants (person);
CREATE INDEX grants_request ON grants (request_id);

CREATE TABLE covers (
    grant_id    BIGINT NOT NULL REFERENCES grants (id),
    server_id   BIGINT NOT NULL,
    fingerprint TEXT   NOT NULL,
    ended_at    BIGINT NOT NULL,
    PRIMARY KEY (grant_id, server_id, fingerprint)
);

CREATE TABLE placements (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    server_id     BIGINT NOT NULL,
    system_user   TEXT   NOT NULL,
    fingerprint   TEXT   NOT NULL,
    person        TEXT   NOT NULL,
    grant_id      BIGINT NOT NULL,
    label         TEXT   NOT NULL,
    state         TEXT   NOT NULL,
    credential_id BIGINT NOT NULL,
    temporary     BIGINT NOT NULL,
    placed_at     BIGINT NOT NULL,
    lapses_at     BIGINT NOT NULL,
    left_at       BIGINT NOT NULL,
    gone_at       BIGINT NOT NULL,
    attempts      BIGINT NOT NULL,
    next_at       BIGINT NOT NULL,
    recheck_at    BIGINT NOT NULL,
    holder        TEXT   NOT NULL,
    urgent        BIGINT NOT NULL,
    stuck         BIGINT NOT NULL,
    problem       TEXT   NOT NULL,
    detail        TEXT   NOT NULL,
    told_lapsed   BIGINT NOT NULL
);
-- A key is wanted or there once, however many grants cover it. Those on their
-- way out may be several, and what is gone stays as history.
CREATE UNIQUE INDEX placements_one ON placements (server_id, system_user, fingerprint)
    WHERE state IN ('wanted', 'unknown', 'placed');
CREATE INDEX placements_key ON placements (server_id, system_user, fingerprint, id);
CREATE INDEX placements_state ON placements (state, next_at);
CREATE INDEX placements_person ON placements (person);
CREATE INDEX placements_recheck ON placements (recheck_at) WHERE recheck_at > 0;
CREATE INDEX placements_held ON placements (holder) WHERE holder <> '';

CREATE TABLE results (
    request_id  BIGINT NOT NULL,
    phase       TEXT   NOT NULL,
    server_id   BIGINT NOT NULL,
    system_user TEXT   NOT NULL,
    fingerprint TEXT   NOT NULL,
    server_name TEXT   NOT NULL,
    state       TEXT   NOT NULL,
    problem     TEXT   NOT NULL,
    detail      TEXT   NOT NULL,
    updated_at  BIGINT NOT NULL,
    told        TEXT   NOT NULL,
    PRIMARY KEY (request_id, phase, server_id, system_user, fingerprint)
);
CREATE INDEX results_open ON results (server_id, system_user, fingerprint)
    WHERE state IN ('waiting', 'failed', 'unknown');

CREATE TABLE servers (
    id      BIGINT NOT NULL PRIMARY KEY,
    name    TEXT   NOT NULL,
    tags    TEXT   NOT NULL, -- JSON
    online  BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    gone_at BIGINT NOT NULL
);

CREATE TABLE drawings (
    request_id BIGINT NOT NULL PRIMARY KEY,
    version    BIGINT NOT NULL,
    shown      BIGINT NOT NULL,
    next_at    BIGINT NOT NULL,
    attempts   BIGINT NOT NULL
);
CREATE INDEX drawings_behind ON drawings (next_at) WHERE version > shown;

CREATE TABLE notices (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    name       TEXT   NOT NULL UNIQUE, -- the notice's Key
    kind       TEXT   NOT NULL,
    recipient  TEXT   NOT NULL,
    request_id BIGINT NOT NULL,
    grant_id   BIGINT NOT NULL,
    detail     TEXT   NOT NULL,
    next_at    BIGINT NOT NULL,
    attempts   BIGINT NOT NULL,
    sent_at    BIGINT NOT NULL
);
CREATE INDEX notices_due ON notices (next_at) WHERE sent_at = 0;

CREATE TABLE messages (
    request_id BIGINT NOT NULL,
    role       TEXT   NOT NULL,
    channel    TEXT   NOT NULL,
    ts         TEXT   NOT NULL,
    digest     TEXT   NOT NULL,
    PRIMARY KEY (request_id, role, channel, ts)
);

CREATE TABLE flags (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE audit (
    seq     BIGINT NOT NULL PRIMARY KEY,
    at      BIGINT NOT NULL,
    actor   TEXT   NOT NULL,
    action  TEXT   NOT NULL,
    noun    TEXT   NOT NULL,
    noun_id TEXT   NOT NULL,
    from_state TEXT NOT NULL,
    to_state   TEXT NOT NULL,
    detail  TEXT   NOT NULL,
    prev    TEXT   NOT NULL,
    hash    TEXT   NOT NULL
);

CREATE TABLE inbox (
    id         TEXT   NOT NULL PRIMARY KEY,
    person     TEXT   NOT NULL,
    payload    BLOB  NOT NULL,
    at         BIGINT NOT NULL,
    holder     TEXT   NOT NULL,
    held_until BIGINT NOT NULL,
    handled    BIGINT NOT NULL
);
CREATE INDEX inbox_open ON inbox (held_until) WHERE handled = 0;

-- The audit log only grows.
-- +goose StatementBegin
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log only grows'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log only grows'); END;
-- +goose StatementEnd
