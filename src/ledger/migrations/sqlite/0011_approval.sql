-- People's words on what a message says, in the order in which they were said. `digest` names what was approved,
-- `content` says it for people; without a digest all that was approved of the message before is withdrawn.
CREATE TABLE approval (
    id      INTEGER PRIMARY KEY,
    message TEXT NOT NULL,
    by      TEXT NOT NULL,
    at      INTEGER NOT NULL,
    digest  TEXT,
    content TEXT NOT NULL
) STRICT;
CREATE INDEX approval_message ON approval (message, id);
CREATE TRIGGER approval_is_not_changed BEFORE UPDATE ON approval
    BEGIN SELECT raise(ABORT, 'approvals are only ever added'); END;
CREATE TRIGGER approval_is_not_removed BEFORE DELETE ON approval
    BEGIN SELECT raise(ABORT, 'approvals are only ever added'); END;
