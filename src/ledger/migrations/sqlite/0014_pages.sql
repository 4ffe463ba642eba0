-- The dashboard turns pages: an account's posts by their due time, and what was skipped among all that was sent.
CREATE INDEX post_account ON post (account, due);
CREATE INDEX post_skipped ON post (due) WHERE state = 'skipped';
