-- What a platform counted of a post when it was asked; NULL: it does not count that. All NULL: it has no such post.
CREATE TABLE engagement (
    post    INTEGER NOT NULL REFERENCES post (row),
    at      INTEGER NOT NULL,
    likes   INTEGER,
    shares  INTEGER,
    replies INTEGER,
    quotes  INTEGER,
    views   INTEGER,
    PRIMARY KEY (post, at)
) STRICT, WITHOUT ROWID;
