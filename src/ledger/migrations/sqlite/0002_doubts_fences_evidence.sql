-- A version number for each post: every write names the one it read, and raises it.
ALTER TABLE post ADD COLUMN fence INTEGER NOT NULL DEFAULT 0;
-- A request unaccounted for: since when it can't arrive any more, how often the platform did not have it, and
-- whether another replica sent it.
ALTER TABLE post ADD COLUMN unsure_since INTEGER;
ALTER TABLE post ADD COLUMN unsure_looks INTEGER NOT NULL DEFAULT 0;
ALTER TABLE post ADD COLUMN unsure_foreign INTEGER NOT NULL DEFAULT 0;
UPDATE post SET unsure_since = changed WHERE doubted = 1;
ALTER TABLE post DROP COLUMN doubted;
ALTER TABLE post ADD COLUMN resent INTEGER NOT NULL DEFAULT 0;
ALTER TABLE post ADD COLUMN crashes INTEGER NOT NULL DEFAULT 0;

-- When it took its place in its account's pace: the instant of its first intent, unless that certainly came to
-- nothing.
ALTER TABLE post ADD COLUMN paced INTEGER;
UPDATE post SET paced = coalesce(began, first_intent);
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
