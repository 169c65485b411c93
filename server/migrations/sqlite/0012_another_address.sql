-- A person asked for another address: a link in a letter to it, good once, says that it is theirs.
CREATE TABLE address_change (
  secret_sha256 BLOB NOT NULL PRIMARY KEY CHECK (length(secret_sha256) = 32),
  person_id BLOB NOT NULL REFERENCES person (id),
  email TEXT NOT NULL CHECK (length(email) <= 254),
  created_at INTEGER NOT NULL,
  until INTEGER NOT NULL,
  used_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX address_change_of_person ON address_change (person_id, created_at);
