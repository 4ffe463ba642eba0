-- Who has signed in at the dashboard. `id` is the hash of what the browser has, `password` that of the password's line
-- in the config.
CREATE TABLE session (
    id       TEXT PRIMARY KEY,
    whose    TEXT NOT NULL,
    password TEXT NOT NULL,
    began    INTEGER NOT NULL,
    seen     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
