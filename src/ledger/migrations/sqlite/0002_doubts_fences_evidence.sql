-- Posts stand in the order in which they were recorded, not of their ids, which are hashes: what is sent together
-- lies together, and a commit writes few pages. Their parts and attempts lie beside each other likewise.
--
-- `fence` is a version number: every write names the one it read, and raises it. `unsure_*`: a request is
-- unaccounted for; since when it can't arrive any more, how often the platform did not have it, and whether
-- another replica sent it. `paced`: when it took its place in its account's pace, the instant of its first intent,
-- unless that certainly came to nothing.
CREATE TABLE post_now (
    row            INTEGER PRIMARY KEY,
    id             TEXT NOT NULL UNIQUE,
    message        TEXT NOT NULL,
    account        TEXT NOT NULL,
    platform       TEXT NOT NULL,
    occurrence     TEXT NOT NULL,
    -- the terms: set when it is recorded
    due            INTEGER NOT NULL,
    late           INTEGER NOT NULL,
    expires        INTEGER,
    recurring      INTEGER NOT NULL,
    breaking       INTEGER NOT NULL,
    slot           INTEGER,
    file           TEXT NOT NULL,
    parts          INTEGER NOT NULL,
    content        TEXT NOT NULL,
    recorded       INTEGER NOT NULL,
    -- the standing: moved by post::step alone
    state          TEXT NOT NULL,
    part           INTEGER NOT NULL DEFAULT 0,
    tries          INTEGER NOT NULL DEFAULT 0,
    not_before     INTEGER NOT NULL,
    late_from      INTEGER,
    first_intent   INTEGER,
    unsure_since   INTEGER,
    unsure_looks   INTEGER NOT NULL DEFAULT 0,
    unsure_foreign INTEGER NOT NULL DEFAULT 0,
    resent         INTEGER NOT NULL DEFAULT 0,
    crashes        INTEGER NOT NULL DEFAULT 0,
    why            TEXT,
    fence          INTEGER NOT NULL DEFAULT 0,
    paced          INTEGER,
    -- for people
    attempts       INTEGER NOT NULL DEFAULT 0,
    error          TEXT,
    began          INTEGER,
    sent           INTEGER,
    changed        INTEGER NOT NULL
) STRICT;
INSERT INTO post_now (id, message, account, platform, occurrence, due, late, expires, recurring, breaking, slot, file,
    parts, content, recorded, state, part, tries, not_before, late_from, first_intent, unsure_since, why, paced,
    attempts, error, began, sent, changed)
SELECT id, message, account, platform, occurrence, due, late, expires, recurring, breaking, slot, file,
    parts, content, recorded, state, part, tries, not_before, late_from, first_intent,
    CASE doubted WHEN 1 THEN changed END, why, coalesce(began, first_intent),
    attempts, error, began, sent, changed
FROM post ORDER BY due, recorded;

CREATE TABLE part_now (
    post     INTEGER NOT NULL REFERENCES post_now (row),
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
INSERT INTO part_now SELECT post_now.row, part.idx, part.key, part.key_due, part.path, part.body, part.hash, part.id,
    part.url, part.pin, part.sent FROM part JOIN post_now ON post_now.id = part.post ORDER BY 1, 2;

CREATE TABLE attempt_now (
    post     INTEGER NOT NULL REFERENCES post_now (row),
    part     INTEGER NOT NULL,
    no       INTEGER NOT NULL,
    intended INTEGER NOT NULL,
    answered INTEGER,
    class    TEXT,
    status   INTEGER,
    words    TEXT,
    PRIMARY KEY (post, part, no)
) STRICT, WITHOUT ROWID;
INSERT INTO attempt_now SELECT post_now.row, attempt.part, attempt.no, attempt.intended, attempt.answered, attempt.class,
    attempt.status, attempt.words FROM attempt JOIN post_now ON post_now.id = attempt.post ORDER BY 1, 2, 3;

DROP TABLE attempt;
DROP TABLE part;
DROP TABLE post;
ALTER TABLE post_now RENAME TO post;
ALTER TABLE part_now RENAME TO part;
ALTER TABLE attempt_now RENAME TO attempt;

CREATE INDEX post_waiting ON post (account, breaking DESC, not_before)
    WHERE state IN ('due', 'retrying', 'in_doubt');
CREATE INDEX post_state ON post (state) WHERE state NOT IN ('sent', 'skipped');
CREATE INDEX post_due ON post (due);
CREATE INDEX post_message ON post (message, account);
CREATE UNIQUE INDEX post_slot ON post (account, slot) WHERE slot IS NOT NULL AND state <> 'skipped';
CREATE INDEX post_paced ON post (account, paced) WHERE paced IS NOT NULL;

-- The evidence record: only ever appended to, each entry tied to the one before (ledger/evidence.rs).
CREATE TABLE event (
    seq   INTEGER PRIMARY KEY,
    at    INTEGER NOT NULL,
    kind  TEXT NOT NULL,
    post  TEXT,
    data  TEXT NOT NULL,
    hash  TEXT NOT NULL
) STRICT;
CREATE TRIGGER event_is_not_changed BEFORE UPDATE ON event
    BEGIN SELECT raise(ABORT, 'the evidence record is only ever appended to'); END;
CREATE TRIGGER event_is_not_removed BEFORE DELETE ON event
    BEGIN SELECT raise(ABORT, 'the evidence record is only ever appended to'); END;
