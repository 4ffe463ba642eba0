-- What people said of posts, in the order in which they said it.
CREATE TABLE word (
    id   INTEGER PRIMARY KEY,
    post TEXT NOT NULL,
    act  TEXT NOT NULL,
    by   TEXT NOT NULL,
    at   INTEGER NOT NULL
) STRICT;
CREATE INDEX word_post ON word (post, id);
CREATE TRIGGER word_is_not_changed BEFORE UPDATE ON word
    BEGIN SELECT raise(ABORT, 'words are only ever added'); END;
CREATE TRIGGER word_is_not_removed BEFORE DELETE ON word
    BEGIN SELECT raise(ABORT, 'words are only ever added'); END;
