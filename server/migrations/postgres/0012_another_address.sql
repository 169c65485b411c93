-- A person asked for another address: a link in a letter to it, good once, says that it is theirs.
CREATE TABLE address_change (
  secret_sha256 bytea NOT NULL PRIMARY KEY CHECK (length(secret_sha256) = 32),
  person_id uuid NOT NULL REFERENCES person (id),
  email text NOT NULL CHECK (length(email) <= 254),
  created_at bigint NOT NULL,
  until bigint NOT NULL,
  used_at bigint
);
CREATE INDEX address_change_of_person ON address_change (person_id, created_at);

ALTER TABLE address_change ENABLE ROW LEVEL SECURITY;
ALTER TABLE address_change FORCE ROW LEVEL SECURITY;
-- Nobody's account: the scheduler's alone.
CREATE POLICY every ON address_change TO tributary_scheduler USING (true);
GRANT SELECT, INSERT, DELETE ON address_change TO tributary_scheduler;
GRANT UPDATE (used_at) ON address_change TO tributary_scheduler;
