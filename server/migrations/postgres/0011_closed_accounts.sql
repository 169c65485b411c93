-- An account that its owner closed: nobody belongs to it, nothing is granted to it, its lines stay.
ALTER TABLE account ADD COLUMN closed_at bigint;

-- Who had a trial and is gone must not get another, and their address must not stay: what stays is its hash by this key,
-- which is made when the first one goes.
CREATE TABLE address_key (
  one bigint NOT NULL PRIMARY KEY CHECK (one = 1),
  key bytea  NOT NULL CHECK (length(key) = 32)
);
CREATE TABLE former_address (
  hash     bytea  NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
  noted_at bigint NOT NULL
);

ALTER TABLE address_key ENABLE ROW LEVEL SECURITY;
ALTER TABLE address_key FORCE ROW LEVEL SECURITY;
ALTER TABLE former_address ENABLE ROW LEVEL SECURITY;
ALTER TABLE former_address FORCE ROW LEVEL SECURITY;
-- Nobody's account: the scheduler's alone.
CREATE POLICY every ON address_key TO tributary_scheduler USING (true);
CREATE POLICY every ON former_address TO tributary_scheduler USING (true);
GRANT SELECT, INSERT ON address_key, former_address TO tributary_scheduler;
-- Closing crosses accounts: whoever is left in none is forgotten.
GRANT UPDATE (closed_at, name) ON account TO tributary_scheduler;
GRANT UPDATE (email) ON person, invitation TO tributary_scheduler;
GRANT INSERT ON erasure TO tributary_scheduler;
GRANT DELETE ON webhook TO tributary_scheduler;
GRANT UPDATE (revoked_at) ON widget TO tributary_scheduler;
