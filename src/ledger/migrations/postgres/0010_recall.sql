-- Published posts can be recalled. `recalls`: the post that this one deletes or corrects. `said`: rises each time
-- somebody says stop, in words new or known. `through`: a person asked for it in spite of all holds said up to this
-- one; any that is said later stops it all the same.
ALTER TABLE post ADD COLUMN recalls TEXT COLLATE "C";
ALTER TABLE post ADD COLUMN through BIGINT NOT NULL DEFAULT 0;
CREATE INDEX post_recalls ON post (recalls) WHERE recalls IS NOT NULL;
ALTER TABLE hold ADD COLUMN said BIGINT NOT NULL DEFAULT 0;
UPDATE hold SET said = id;
