-- +goose Up

-- Times are milliseconds since 1970, 0 for none; booleans are 0 and 1.
-- WITHOUT ROWID is for tables whose rows are found by their key, and would otherwise hold it twice.

CREATE TABLE persons (
    id            TEXT   NOT NULL PRIMARY KEY,
    offboarded_at BIGINT NOT NULL,
    returned_at   BIGINT NOT NULL,
    reinstated_at BIGINT NOT NULL,
    standing      TEXT   NOT NULL
);

-- A key has a row for each person who ever held it. At most one of them holds it now.
CREATE TABLE person_keys (
    fingerprint   TEXT   NOT NULL,
    person        TEXT   NOT NULL, -- empty for a key that was revoked and that nobody had registered
    type          TEXT   NOT NULL,
    blob          TEXT   NOT NULL,
    note          TEXT   NOT NULL,
    registered_at BIGINT NOT NULL,
    proved_at     BIGINT NOT NULL,
    removed_at    BIGINT NOT NULL,
    ended         TEXT   NOT NULL, -- removed, revoked, offboarded or lost; empty while it counts
    ended_by      TEXT   NOT NULL,
    PRIMARY KEY (fingerprint, person)
);
CREATE INDEX person_keys_person ON person_keys (person);
CREATE UNIQUE INDEX person_keys_holder ON person_keys (fingerprint) WHERE removed_at = 0;

-- The fingerprints of keys on servers: where there are millions of rows, they have the number.
CREATE TABLE fingerprints (
    id   INTEGER PRIMARY KEY AUTOINCREMENT,
    text TEXT   NOT NULL UNIQUE
);

-- What somebody has to sign, and has not yet.
CREATE TABLE challenges (
    nonce       TEXT   NOT NULL PRIMARY KEY,
    person      TEXT   NOT NULL,
    fingerprint TEXT   NOT NULL,
    type        TEXT   NOT NULL,
    blob        TEXT   NOT NULL,
    note        TEXT   NOT NULL,
    text        TEXT   NOT NULL,
    expires_at  BIGINT NOT NULL
);
CREATE INDEX challenges_person ON challenges (person, fingerprint);

-- What is known of each target.
CREATE TABLE targets (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    name       TEXT   NOT NULL UNIQUE,
    listed_at  BIGINT NOT NULL, -- when the list of its places was read
    doubt      TEXT   NOT NULL, -- why that list is not believed
    halted_at  BIGINT NOT NULL, -- since when it refuses our credentials
    halt_told  BIGINT NOT NULL,
    resumed_at BIGINT NOT NULL,
    halt_wait  BIGINT NOT NULL -- milliseconds
);

-- Where keys are put. The id is ours; external_id is what the target calls the place.
CREATE TABLE places (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    target        TEXT   NOT NULL,
    external_id   TEXT   NOT NULL,
    name          TEXT   NOT NULL,
    tags          TEXT   NOT NULL, -- JSON
    address       TEXT   NOT NULL, -- its public IP address
    online        BIGINT NOT NULL,
    seen_at       BIGINT NOT NULL,
    offline_since BIGINT NOT NULL, -- since when it has been offline without a break, as far as was read
    not_found_at  BIGINT NOT NULL, -- since when it is not found when it is asked for
    asked_at      BIGINT NOT NULL,
    gone_at       BIGINT NOT NULL, -- when it was settled that it is gone for good
    read_at       BIGINT NOT NULL, -- when it was last read for keys that carry this ledger's label
    UNIQUE (target, external_id)
);
CREATE INDEX places_away ON places (name, id) WHERE online = 0 OR not_found_at > 0 OR gone_at > 0;
CREATE INDEX places_read ON places (read_at) WHERE gone_at = 0 AND not_found_at = 0;

-- The places that may not be in line with the grants since a change, until they were looked at.
CREATE TABLE out_of_line (
    place_id BIGINT NOT NULL PRIMARY KEY,
    ends     BIGINT NOT NULL -- whether access to it may have ended
) WITHOUT ROWID;
CREATE INDEX out_of_line_order ON out_of_line (ends DESC, place_id);

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
    reminded_at    BIGINT NOT NULL,
    facts          TEXT   NOT NULL, -- digest of what its messages show
    undecidable    BIGINT NOT NULL,
    standing       TEXT   NOT NULL  -- why the bot made an offboarding
);
CREATE UNIQUE INDEX requests_source ON requests (source) WHERE source <> '';
CREATE INDEX requests_state ON requests (state, expires_at);
CREATE INDEX requests_person ON requests (person);
CREATE INDEX requests_asker ON requests (asker);

-- What each digest of an open request's facts stands for.
CREATE TABLE request_facts (
    request_id BIGINT NOT NULL REFERENCES requests (id),
    digest     TEXT   NOT NULL,
    facts      TEXT   NOT NULL, -- JSON
    PRIMARY KEY (request_id, digest)
) WITHOUT ROWID;

-- Who else asked for the same end of access, and would otherwise have made a request.
CREATE TABLE request_askers (
    request_id BIGINT NOT NULL REFERENCES requests (id),
    asker      TEXT   NOT NULL,
    source     TEXT   NOT NULL,
    reason     TEXT   NOT NULL,
    at         BIGINT NOT NULL,
    PRIMARY KEY (request_id, asker)
) WITHOUT ROWID;

CREATE TABLE request_places (
    request_id BIGINT NOT NULL REFERENCES requests (id),
    place_id   BIGINT NOT NULL,
    name       TEXT   NOT NULL,
    PRIMARY KEY (request_id, place_id)
) WITHOUT ROWID;

CREATE TABLE approvals (
    request_id BIGINT NOT NULL REFERENCES requests (id),
    approver   TEXT   NOT NULL,
    verdict    TEXT   NOT NULL,
    reason     TEXT   NOT NULL,
    at         BIGINT NOT NULL,
    facts      TEXT   NOT NULL,
    PRIMARY KEY (request_id, approver)
) WITHOUT ROWID;

CREATE TABLE candidates (
    request_id    BIGINT NOT NULL REFERENCES requests (id),
    place_id      BIGINT NOT NULL,
    credential_id TEXT   NOT NULL,
    place_name    TEXT   NOT NULL,
    label         TEXT   NOT NULL,
    system_user   TEXT   NOT NULL,
    public_key    TEXT   NOT NULL,
    temporary     BIGINT , -- NULL where the target does not say
    created_at    BIGINT NOT NULL,
    token         BIGINT NOT NULL, -- an API token, and no key
    used_at       BIGINT NOT NULL,
    fixed         BIGINT NOT NULL,
    why           TEXT   NOT NULL,
    picked_by     TEXT   NOT NULL,
    picked_at     BIGINT NOT NULL,
    spared        BIGINT NOT NULL,
    PRIMARY KEY (request_id, place_id, credential_id)
) WITHOUT ROWID;
-- Those that nobody has decided about. The candidates of a purge are decided about together.
CREATE INDEX candidates_undecided ON candidates (request_id, why, token, place_id) WHERE picked_at = 0 AND why NOT IN ('listed', 'since', 'owned');

CREATE TABLE findings (
    place_id      BIGINT NOT NULL,
    credential_id TEXT   NOT NULL,
    label         TEXT   NOT NULL,
    system_user   TEXT   NOT NULL,
    public_key    TEXT   NOT NULL,
    created_at    BIGINT NOT NULL,
    found_at      BIGINT NOT NULL,
    kept_by       TEXT   NOT NULL,
    kept_at       BIGINT NOT NULL,
    request_id    BIGINT NOT NULL, -- 0 for none
    PRIMARY KEY (place_id, credential_id)
) WITHOUT ROWID;
CREATE INDEX findings_request ON findings (request_id);

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
    reminded_at BIGINT NOT NULL,
    steady_end  BIGINT NOT NULL, -- when it ends by a clock that nobody can set
    servers     BIGINT NOT NULL, -- on how many it covers a key that has not ended
    keys        BIGINT NOT NULL  -- the number of its covers that have not ended
);
CREATE INDEX grants_steady ON grants (steady_end) WHERE state = 'live';
CREATE INDEX grants_live ON grants (ends_at) WHERE state = 'live';
CREATE INDEX grants_live_person ON grants (person, system_user) WHERE state = 'live';
CREATE INDEX grants_person ON grants (person);
CREATE INDEX grants_request ON grants (request_id);

CREATE TABLE covers (
    grant_id    BIGINT NOT NULL REFERENCES grants (id),
    place_id    BIGINT NOT NULL,
    fingerprint BIGINT NOT NULL,
    ended_at    BIGINT NOT NULL,
    PRIMARY KEY (grant_id, place_id, fingerprint)
) WITHOUT ROWID;

CREATE TABLE placements (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    place_id       BIGINT NOT NULL,
    system_user    TEXT   NOT NULL,
    fingerprint    BIGINT NOT NULL,
    person         TEXT   NOT NULL,
    grant_id       BIGINT NOT NULL,
    label          TEXT   NOT NULL,
    state          TEXT   NOT NULL,
    picked         TEXT   NOT NULL, -- the credential that a person picked; there is no fingerprint then
    credential_id  TEXT   NOT NULL,
    temporary      BIGINT NOT NULL,
    called_at      BIGINT NOT NULL, -- when the last call began that may have placed it; 0 for none
    placed_at      BIGINT NOT NULL,
    lapses_at      BIGINT NOT NULL,
    left_at        BIGINT NOT NULL,
    gone_at        BIGINT NOT NULL,
    attempts       BIGINT NOT NULL,
    next_at        BIGINT NOT NULL,
    in_doubt_until BIGINT NOT NULL,
    verify_at      BIGINT NOT NULL, -- when one that is placed is to be looked for; 0 for never
    holder         TEXT   NOT NULL,
    urgent         BIGINT NOT NULL,
    stuck          BIGINT NOT NULL,
    problem        TEXT   NOT NULL,
    remedy         TEXT   NOT NULL,
    detail         TEXT   NOT NULL,
    told_lapsed    BIGINT NOT NULL
);
-- A key is wanted or there once, however many grants cover it. Those on their
-- way out may be several, and what is gone stays as history.
CREATE UNIQUE INDEX placements_one ON placements (place_id, system_user, fingerprint)
    WHERE state IN ('wanted', 'unknown', 'placed');
CREATE INDEX placements_history ON placements (place_id, system_user, fingerprint) WHERE state = 'gone';
CREATE INDEX placements_credential ON placements (credential_id, place_id);
CREATE INDEX placements_there ON placements (place_id, system_user, fingerprint) WHERE state <> 'gone';
CREATE INDEX placements_placed ON placements (person, system_user) WHERE state = 'placed';
CREATE INDEX placements_grant ON placements (grant_id) WHERE state <> 'gone';
CREATE INDEX placements_given_up ON placements (place_id) WHERE state = 'gone' AND problem = 'server_left';
CREATE INDEX placements_gone ON placements (gone_at) WHERE state = 'gone';
CREATE INDEX placements_work ON placements (place_id) WHERE state IN ('wanted', 'unknown', 'leaving') AND stuck = 0;
CREATE INDEX placements_due ON placements (next_at) WHERE state IN ('wanted', 'unknown', 'leaving') AND stuck = 0;
CREATE INDEX placements_later ON placements (next_at) WHERE next_at > 0 AND state <> 'gone';
CREATE INDEX placements_leaving ON placements (left_at, id) WHERE state = 'leaving';
CREATE INDEX placements_lapsing ON placements (lapses_at) WHERE state = 'placed' AND lapses_at > 0;
CREATE INDEX placements_permanent ON placements (placed_at) WHERE state = 'placed' AND temporary = 0;
CREATE INDEX placements_renewed ON placements (lapses_at) WHERE urgent = 1;
CREATE INDEX placements_person ON placements (person);
CREATE INDEX placements_in_doubt ON placements (in_doubt_until) WHERE in_doubt_until > 0;
CREATE INDEX placements_verify ON placements (verify_at) WHERE verify_at > 0;
CREATE INDEX placements_held ON placements (holder) WHERE holder <> '';

-- When a place is read once more for a key that may have landed after it was held to be gone.
CREATE TABLE rereads (
    placement_id BIGINT NOT NULL REFERENCES placements (id),
    due_at       BIGINT NOT NULL,
    PRIMARY KEY (placement_id, due_at)
) WITHOUT ROWID;
CREATE INDEX rereads_due ON rereads (due_at);

-- What a request came to: for a key on a place, for reading a place (no user, no key), or for
-- reading the list of a target's places (a target, and no place).
CREATE TABLE results (
    request_id    BIGINT NOT NULL,
    phase         TEXT   NOT NULL,
    place_id      BIGINT NOT NULL,
    target        TEXT   NOT NULL,
    system_user   TEXT   NOT NULL,
    fingerprint   BIGINT NOT NULL,
    picked        TEXT   NOT NULL,
    place_name    TEXT   NOT NULL,
    state         TEXT   NOT NULL,
    problem       TEXT   NOT NULL,
    remedy        TEXT   NOT NULL,
    detail        TEXT   NOT NULL,
    sessions_read BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL,
    told          TEXT   NOT NULL,
    PRIMARY KEY (request_id, phase, place_id, target, system_user, fingerprint, picked)
) WITHOUT ROWID;
CREATE INDEX results_open ON results (place_id, system_user, fingerprint)
    WHERE state IN ('waiting', 'failed', 'unknown');
CREATE INDEX results_unsettled ON results (request_id) WHERE state IN ('waiting', 'unknown');
CREATE INDEX results_readings ON results (updated_at) WHERE phase IN ('inspect', 'list') AND state IN ('waiting', 'failed', 'unknown');
CREATE INDEX results_audits ON results (updated_at) WHERE phase = 'audit' AND state = 'waiting';
CREATE INDEX results_out_of_reach ON results (place_id) WHERE state = 'out_of_reach';
CREATE INDEX results_removed ON results (place_id, system_user, fingerprint) WHERE phase = 'remove' AND state IN ('done', 'out_of_reach');

-- The sessions that were open when a place was read for a request.
CREATE TABLE sessions (
    request_id  BIGINT NOT NULL,
    place_id    BIGINT NOT NULL,
    number      BIGINT NOT NULL,
    system_user TEXT   NOT NULL,
    address     TEXT   NOT NULL,
    since       TEXT   NOT NULL,
    PRIMARY KEY (request_id, place_id, number)
) WITHOUT ROWID;

-- The replacement of the key that an account logs in with, for the request that asks for it.
CREATE TABLE rotations (
    request_id   BIGINT NOT NULL PRIMARY KEY REFERENCES requests (id),
    state        TEXT   NOT NULL,
    space        TEXT   NOT NULL, -- of the account; empty while that is to be made
    account_id   TEXT   NOT NULL,
    account_name TEXT   NOT NULL,
    system_user  TEXT   NOT NULL,
    created      BIGINT NOT NULL,
    found        TEXT   NOT NULL, -- JSON: what was found when it was asked for
    attempt      BIGINT NOT NULL,
    fingerprint  TEXT   NOT NULL, -- of the public half; the private one is nowhere in the ledger
    grant_id     BIGINT NOT NULL,
    wrote        BIGINT NOT NULL, -- whether a private half went, or may have gone, into the account
    modified_at  BIGINT NOT NULL, -- of the account, by the clock of its system
    checks       BIGINT NOT NULL,
    check_id     TEXT   NOT NULL,
    removes      BIGINT NOT NULL,
    unproven     TEXT   NOT NULL, -- JSON
    busy         TEXT   NOT NULL, -- JSON
    problem      TEXT   NOT NULL,
    since        BIGINT NOT NULL,
    next_at      BIGINT NOT NULL,
    holder       TEXT   NOT NULL, -- the process that has the private half
    held_until   BIGINT NOT NULL
);
CREATE UNIQUE INDEX rotations_open ON rotations (space, account_id, (CASE account_id WHEN '' THEN account_name ELSE '' END))
    WHERE state NOT IN ('done', 'failed', 'dropped');
CREATE INDEX rotations_account ON rotations (space, account_id);

CREATE TABLE drawings (
    request_id BIGINT NOT NULL PRIMARY KEY,
    version    BIGINT NOT NULL,
    shown      BIGINT NOT NULL,
    next_at    BIGINT NOT NULL,
    attempts   BIGINT NOT NULL,
    queued_at  BIGINT NOT NULL -- since when it has been behind, or when it last caught up
);
CREATE INDEX drawings_behind ON drawings (next_at) WHERE version > shown;

CREATE TABLE notices (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    name       TEXT   NOT NULL UNIQUE, -- the notice's Key
    kind       TEXT   NOT NULL,
    recipient  TEXT   NOT NULL,
    request_id BIGINT NOT NULL,
    grant_id   BIGINT NOT NULL,
    target     TEXT   NOT NULL,
    detail     TEXT   NOT NULL,
    next_at    BIGINT NOT NULL,
    attempts   BIGINT NOT NULL,
    sent_at    BIGINT NOT NULL,
    queued_at  BIGINT NOT NULL -- since when it could be sent
);
CREATE INDEX notices_due ON notices (next_at) WHERE sent_at = 0;

CREATE TABLE messages (
    request_id BIGINT NOT NULL,
    role       TEXT   NOT NULL,
    channel    TEXT   NOT NULL,
    ts         TEXT   NOT NULL,
    digest     TEXT   NOT NULL,
    PRIMARY KEY (request_id, role, channel, ts)
) WITHOUT ROWID;

CREATE TABLE flags (
    name  TEXT   NOT NULL PRIMARY KEY,
    value TEXT   NOT NULL
);

CREATE TABLE audit (
    seq        BIGINT NOT NULL PRIMARY KEY,
    at         BIGINT NOT NULL,
    actor      TEXT   NOT NULL,
    action     TEXT   NOT NULL,
    noun       TEXT   NOT NULL,
    noun_id    TEXT   NOT NULL,
    from_state TEXT   NOT NULL,
    to_state   TEXT   NOT NULL,
    detail     TEXT   NOT NULL,
    about      TEXT   NOT NULL, -- subjects, separated by spaces
    prev       TEXT   NOT NULL,
    hash       TEXT   NOT NULL
);

-- What happened to placements since the last event about that: the audit log gets one for many.
CREATE TABLE moves (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    at          BIGINT NOT NULL,
    grant_id    BIGINT NOT NULL,
    place_id    BIGINT NOT NULL,
    system_user TEXT   NOT NULL,
    fingerprint TEXT   NOT NULL,
    from_state  TEXT   NOT NULL,
    to_state    TEXT   NOT NULL,
    action      TEXT   NOT NULL,
    problem     TEXT   NOT NULL,
    renewal     BIGINT NOT NULL
);
CREATE INDEX moves_renewal ON moves (renewal, id);

-- By which persons and requests an event is found.
CREATE TABLE audit_about (
    subject TEXT   NOT NULL,
    event   BIGINT NOT NULL,
    PRIMARY KEY (subject, event)
) WITHOUT ROWID;
CREATE INDEX audit_about_event ON audit_about (event);

CREATE TABLE inbox (
    id         TEXT   NOT NULL PRIMARY KEY,
    person     TEXT   NOT NULL,
    payload    BLOB   NOT NULL,
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
-- +goose StatementBegin
CREATE TRIGGER audit_about_no_update BEFORE UPDATE ON audit_about
BEGIN SELECT RAISE(ABORT, 'the audit log only grows'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_about_no_delete BEFORE DELETE ON audit_about
BEGIN SELECT RAISE(ABORT, 'the audit log only grows'); END;
-- +goose StatementEnd
