-- An account that its owner closed: nobody belongs to it, nothing is granted to it, its lines stay.
ALTER TABLE account ADD COLUMN closed_at INTEGER;

-- Who had a trial and is gone must not get another, and their address must not stay: what stays is its hash by this key,
-- which is made when the first one goes.
CREATE TABLE address_key (
  one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
  key BLOB    NOT NULL CHECK (length(key) = 32)
) STRICT;
CREATE TABLE former_address (
  hash     BLOB    NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
  noted_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
