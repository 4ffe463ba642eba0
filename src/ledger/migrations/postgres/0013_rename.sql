-- A message can be renamed: `message` is the name that it has now. A post's id stays: it is made of the name under
-- which it was recorded. `alias`: the id that it would have under the name of now, if that is another one, so that it
-- is not recorded again.
ALTER TABLE post ADD COLUMN alias TEXT COLLATE "C";
CREATE INDEX post_alias ON post (alias) WHERE alias IS NOT NULL;
