-- What is known once and for all: the campaign's id, the bell that commands ring for the daemon.
CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- When the daemon first saw a dated or recurring message. What was due before is not made up.
CREATE TABLE known (
    message TEXT PRIMARY KEY,
    since   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- One row for each post that has become due. All instants are microseconds since 1970, UTC.
CREATE TABLE post (
    id           TEXT PRIMARY KEY,
    message      TEXT NOT NULL,
    account      TEXT NOT NULL,
    platform     TEXT NOT NULL,
    occurrence   TEXT NOT NULL,
    -- the terms: set when it is recorded
    due          INTEGER NOT NULL,
    late         INTEGER NOT NULL,
    expires      INTEGER,
    recurring    INTEGER NOT NULL,
    breaking     INTEGER NOT NULL,
    slot         INTEGER,
    file         TEXT NOT NULL,
    parts        INTEGER NOT NULL,
    content      TEXT NOT NULL,
    recorded     INTEGER NOT NULL,
    -- the standing: moved by post::step alone
    state        TEXT NOT NULL,
    part         INTEGER NOT NULL DEFAULT 0,
    tries        INTEGER NOT NULL DEFAULT 0,
    not_before   INTEGER NOT NULL,
    late_from    INTEGER,
    first_intent INTEGER,
    doubted      INTEGER NOT NULL DEFAULT 0,
    why          TEXT,
    -- for people
    attempts     INTEGER NOT NULL DEFAULT 0,
    error        TEXT,
    began        INTEGER,
    sent         INTEGER,
    changed      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What waits, by account: the question "what is next" never reads what is over.
CREATE INDEX post_waiting ON post (account, breaking DESC, not_before)
    WHERE state IN ('due', 'retrying', 'in_doubt');
CREATE INDEX post_state ON post (state) WHERE state NOT IN ('sent', 'skipped');
CREATE INDEX post_due ON post (due);
CREATE INDEX post_message ON post (message, account);
CREATE UNIQUE INDEX post_slot ON post (account, slot) WHERE slot IS NOT NULL AND state <> 'skipped';

-- One row for each part whose intent was ever written: the frozen request, and the receipt.
CREATE TABLE part (
    post     TEXT NOT NULL REFERENCES post (id),
    idx      INTEGER NOT NULL,
    key      TEXT NOT NULL,
    key_due  INTEGER NOT NULL,
    path     TEXT NOT NULL,
    body     TEXT NOT NULL,
    hash     TEXT NOT NULL,
    id       TEXT,
    url      TEXT,
    pin      TEXT,
    sent     INTEGER,
    PRIMARY KEY (post, idx)
) STRICT, WITHOUT ROWID;

-- One row for each request that may have left: written before it does.
CREATE TABLE attempt (
    post     TEXT NOT NULL REFERENCES post (id),
    part     INTEGER NOT NULL,
    no       INTEGER NOT NULL,
    intended INTEGER NOT NULL,
    answered INTEGER,
    class    TEXT,
    status   INTEGER,
    words    TEXT,
    PRIMARY KEY (post, part, no)
) STRICT, WITHOUT ROWID;

-- Who said stop, to what, and when it was released. Active until settled: until what fell due meanwhile
-- has been dealt with.
CREATE TABLE hold (
    id          INTEGER PRIMARY KEY,
    scope       TEXT NOT NULL CHECK (scope IN ('all', 'account', 'message')),
    target      TEXT NOT NULL,
    why         TEXT NOT NULL,
    by          TEXT NOT NULL,
    since       INTEGER NOT NULL,
    released    INTEGER,
    released_by TEXT,
    settled     INTEGER
) STRICT;
CREATE UNIQUE INDEX hold_active ON hold (scope, target, by) WHERE released IS NULL;
CREATE INDEX hold_unsettled ON hold (scope, target) WHERE settled IS NULL;

-- What is learned of an account and must survive a restart.
CREATE TABLE account (
    name       TEXT PRIMARY KEY,
    waits      INTEGER
) STRICT, WITHOUT ROWID;
