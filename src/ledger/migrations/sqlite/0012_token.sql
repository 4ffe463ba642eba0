-- What accounts were signed in for. `access` and `refresh` are sealed, so a stolen ledger or backup opens no account.
-- `renewing`: since when a request to renew this version may have been taken whose answer nobody has seen yet.
-- `until`: nobody else renews it before.
CREATE TABLE token (
    account         TEXT PRIMARY KEY,
    version         INTEGER NOT NULL,
    identity        TEXT,
    access          TEXT NOT NULL,
    refresh         TEXT,
    issued          INTEGER NOT NULL,
    expires         INTEGER,
    refresh_expires INTEGER,
    scopes          TEXT NOT NULL,
    refused         TEXT,
    renewing        INTEGER,
    until           INTEGER
) STRICT;
