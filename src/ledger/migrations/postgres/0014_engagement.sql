-- What a platform counted of a post when it was asked; NULL: it does not count that. All NULL: it has no such post.
CREATE TABLE engagement (
    post    TEXT COLLATE "C" NOT NULL REFERENCES post (id),
    at      BIGINT NOT NULL,
    likes   BIGINT,
    shares  BIGINT,
    replies BIGINT,
    quotes  BIGINT,
    views   BIGINT,
    PRIMARY KEY (post, at)
);
