-- Who has signed in at the dashboard. `id` is the hash of what the browser has, `password` that of the password's line
-- in the config.
CREATE TABLE session (
    id       TEXT COLLATE "C" PRIMARY KEY,
    whose    TEXT NOT NULL,
    password TEXT NOT NULL,
    began    BIGINT NOT NULL,
    seen     BIGINT NOT NULL
);
