-- People, and what they are in accounts: members with a role, invitations, sessions of the pages, logins of devices, keys
-- that end. Secrets stand here as their hashes alone.

-- An account is one person's or a team's. The title is for people; the name stays what the operator calls it.
ALTER TABLE account ADD COLUMN kind TEXT NOT NULL DEFAULT 'team' CHECK (kind IN ('person', 'team'));
ALTER TABLE account ADD COLUMN title TEXT NOT NULL DEFAULT '' CHECK (length(title) <= 200);
-- Starts no job any more: its payments were taken back.
ALTER TABLE account ADD COLUMN suspended_at INTEGER;

CREATE TABLE person (
  id             BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
  -- In lower case: two spellings are one person.
  email          TEXT    NOT NULL UNIQUE CHECK (length(email) BETWEEN 3 AND 254),
  name           TEXT    NOT NULL CHECK (length(name) <= 200),
  -- An argon2id text with its parameters.
  password       TEXT    NOT NULL CHECK (length(password) BETWEEN 1 AND 512),
  created_at     INTEGER NOT NULL,
  verified_at    INTEGER,
  -- Sees the operator's pages.
  operates_since INTEGER
) STRICT;

-- A member who left keeps the row: jobs and lines of the account name the person for ever.
CREATE TABLE member (
  account_id  BLOB    NOT NULL REFERENCES account (id),
  person_id   BLOB    NOT NULL REFERENCES person (id),
  role        TEXT    NOT NULL CHECK (role IN ('owner', 'admin', 'member', 'viewer')),
  -- Credits this member's jobs may hold and take in one calendar month (UTC); none for no limit.
  month_limit INTEGER CHECK (month_limit BETWEEN 0 AND 9007199254740992),
  joined_at   INTEGER NOT NULL,
  left_at     INTEGER,
  PRIMARY KEY (account_id, person_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX member_of_person ON member (person_id) WHERE left_at IS NULL;

CREATE TABLE invitation (
  account_id    BLOB    NOT NULL REFERENCES account (id),
  id            BLOB    NOT NULL CHECK (length(id) = 16),
  email         TEXT    NOT NULL CHECK (length(email) BETWEEN 3 AND 254),
  role          TEXT    NOT NULL CHECK (role IN ('owner', 'admin', 'member', 'viewer')),
  month_limit   INTEGER CHECK (month_limit BETWEEN 0 AND 9007199254740992),
  secret_sha256 BLOB    NOT NULL UNIQUE CHECK (length(secret_sha256) = 32),
  invited_by    BLOB    NOT NULL REFERENCES person (id),
  created_at    INTEGER NOT NULL,
  until         INTEGER NOT NULL,
  accepted_by   BLOB    REFERENCES person (id),
  ended_at      INTEGER,
  PRIMARY KEY (account_id, id),
  CHECK (accepted_by IS NULL OR ended_at IS NOT NULL)
) STRICT, WITHOUT ROWID;

CREATE TABLE session (
  secret_sha256 BLOB    NOT NULL PRIMARY KEY CHECK (length(secret_sha256) = 32),
  person_id     BLOB    NOT NULL REFERENCES person (id),
  -- The account whose pages are shown.
  account_id    BLOB    NOT NULL REFERENCES account (id),
  browser       TEXT    NOT NULL CHECK (length(browser) <= 200),
  created_at    INTEGER NOT NULL,
  until         INTEGER NOT NULL,
  ended_at      INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX session_of_person ON session (person_id) WHERE ended_at IS NULL;

-- A link in a letter: good once.
CREATE TABLE email_link (
  secret_sha256 BLOB    NOT NULL PRIMARY KEY CHECK (length(secret_sha256) = 32),
  person_id     BLOB    NOT NULL REFERENCES person (id),
  purpose       TEXT    NOT NULL CHECK (purpose IN ('verify', 'reset')),
  created_at    INTEGER NOT NULL,
  until         INTEGER NOT NULL,
  used_at       INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX email_link_of_person ON email_link (person_id, created_at);

-- RFC 8628: a device shows the code, a person confirms it in the browser, the device fetches a key.
CREATE TABLE device_login (
  secret_sha256 BLOB    NOT NULL PRIMARY KEY CHECK (length(secret_sha256) = 32),
  code          TEXT    NOT NULL UNIQUE CHECK (length(code) = 8),
  device        TEXT    NOT NULL CHECK (length(device) <= 200),
  created_at    INTEGER NOT NULL,
  until         INTEGER NOT NULL,
  state         TEXT    NOT NULL CHECK (state IN ('waiting', 'approved', 'denied', 'taken')),
  account_id    BLOB    REFERENCES account (id),
  person_id     BLOB    REFERENCES person (id),
  decided_at    INTEGER,
  CHECK ((state = 'waiting') = (decided_at IS NULL)),
  CHECK ((state IN ('approved', 'taken')) = (account_id IS NOT NULL AND person_id IS NOT NULL))
) STRICT, WITHOUT ROWID;

-- Whose key; none for the operator's own. What it may do, as words: read, run, manage, buy.
ALTER TABLE api_key ADD COLUMN person_id BLOB REFERENCES person (id);
ALTER TABLE api_key ADD COLUMN scopes TEXT NOT NULL DEFAULT 'read run manage buy';
ALTER TABLE api_key ADD COLUMN expires_at INTEGER;
ALTER TABLE api_key ADD COLUMN used_at INTEGER;

-- Who asked for the job; none where a key of nobody did.
ALTER TABLE job ADD COLUMN person_id BLOB REFERENCES person (id);
-- Time that the device spent on it, all attempts together.
ALTER TABLE job ADD COLUMN device_us INTEGER NOT NULL DEFAULT 0 CHECK (device_us >= 0);
CREATE INDEX job_of_person ON job (account_id, person_id, created_at);
