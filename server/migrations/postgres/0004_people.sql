-- People, and what they are in accounts: members with a role, invitations, sessions of the pages, logins of devices, keys
-- that end. Secrets stand here as their hashes alone.

-- An account is one person's or a team's. The title is for people; the name stays what the operator calls it.
ALTER TABLE account ADD COLUMN kind text NOT NULL DEFAULT 'team' CHECK (kind IN ('person', 'team'));
ALTER TABLE account ADD COLUMN title text NOT NULL DEFAULT '' CHECK (length(title) <= 200);
-- Starts no job any more: its payments were taken back.
ALTER TABLE account ADD COLUMN suspended_at bigint;

CREATE TABLE person (
  id             uuid   NOT NULL PRIMARY KEY,
  -- In lower case: two spellings are one person.
  email          text   NOT NULL UNIQUE CHECK (length(email) BETWEEN 3 AND 254),
  name           text   NOT NULL CHECK (length(name) <= 200),
  -- An argon2id text with its parameters.
  password       text   NOT NULL CHECK (length(password) BETWEEN 1 AND 512),
  created_at     bigint NOT NULL,
  verified_at    bigint,
  -- Sees the operator's pages.
  operates_since bigint
);

-- A member who left keeps the row: jobs and lines of the account name the person for ever.
CREATE TABLE member (
  account_id  uuid   NOT NULL REFERENCES account (id),
  person_id   uuid   NOT NULL REFERENCES person (id),
  role        text   NOT NULL CHECK (role IN ('owner', 'admin', 'member', 'viewer')),
  -- Credits this member's jobs may hold and take in one calendar month (UTC); none for no limit.
  month_limit bigint CHECK (month_limit BETWEEN 0 AND 9007199254740992),
  joined_at   bigint NOT NULL,
  left_at     bigint,
  PRIMARY KEY (account_id, person_id)
);
CREATE INDEX member_of_person ON member (person_id) WHERE left_at IS NULL;

CREATE TABLE invitation (
  account_id    uuid   NOT NULL REFERENCES account (id),
  id            uuid   NOT NULL,
  email         text   NOT NULL CHECK (length(email) BETWEEN 3 AND 254),
  role          text   NOT NULL CHECK (role IN ('owner', 'admin', 'member', 'viewer')),
  month_limit   bigint CHECK (month_limit BETWEEN 0 AND 9007199254740992),
  secret_sha256 bytea  NOT NULL UNIQUE CHECK (length(secret_sha256) = 32),
  invited_by    uuid   NOT NULL REFERENCES person (id),
  created_at    bigint NOT NULL,
  until         bigint NOT NULL,
  accepted_by   uuid   REFERENCES person (id),
  ended_at      bigint,
  PRIMARY KEY (account_id, id),
  CHECK (accepted_by IS NULL OR ended_at IS NOT NULL)
);

CREATE TABLE session (
  secret_sha256 bytea  NOT NULL PRIMARY KEY CHECK (length(secret_sha256) = 32),
  person_id     uuid   NOT NULL REFERENCES person (id),
  -- The account whose pages are shown.
  account_id    uuid   NOT NULL REFERENCES account (id),
  browser       text   NOT NULL CHECK (length(browser) <= 200),
  created_at    bigint NOT NULL,
  until         bigint NOT NULL,
  ended_at      bigint
);
CREATE INDEX session_of_person ON session (person_id) WHERE ended_at IS NULL;

-- A link in a letter: good once.
CREATE TABLE email_link (
  secret_sha256 bytea  NOT NULL PRIMARY KEY CHECK (length(secret_sha256) = 32),
  person_id     uuid   NOT NULL REFERENCES person (id),
  purpose       text   NOT NULL CHECK (purpose IN ('verify', 'reset')),
  created_at    bigint NOT NULL,
  until         bigint NOT NULL,
  used_at       bigint
);
CREATE INDEX email_link_of_person ON email_link (person_id, created_at);

-- RFC 8628: a device shows the code, a person confirms it in the browser, the device fetches a key.
CREATE TABLE device_login (
  secret_sha256 bytea  NOT NULL PRIMARY KEY CHECK (length(secret_sha256) = 32),
  code          text   NOT NULL UNIQUE CHECK (length(code) = 8),
  device        text   NOT NULL CHECK (length(device) <= 200),
  created_at    bigint NOT NULL,
  until         bigint NOT NULL,
  state         text   NOT NULL CHECK (state IN ('waiting', 'approved', 'denied', 'taken')),
  account_id    uuid   REFERENCES account (id),
  person_id     uuid   REFERENCES person (id),
  decided_at    bigint,
  CHECK ((state = 'waiting') = (decided_at IS NULL)),
  CHECK ((state IN ('approved', 'taken')) = (account_id IS NOT NULL AND person_id IS NOT NULL))
);

-- Whose key; none for the operator's own. What it may do, as words: read, run, manage, buy.
ALTER TABLE api_key ADD COLUMN person_id uuid REFERENCES person (id);
ALTER TABLE api_key ADD COLUMN scopes text NOT NULL DEFAULT 'read run manage buy';
ALTER TABLE api_key ADD COLUMN expires_at bigint;
ALTER TABLE api_key ADD COLUMN used_at bigint;

-- Who asked for the job; none where a key of nobody did.
ALTER TABLE job ADD COLUMN person_id uuid REFERENCES person (id);
-- Time that the device spent on it, all attempts together.
ALTER TABLE job ADD COLUMN device_us bigint NOT NULL DEFAULT 0 CHECK (device_us >= 0);
CREATE INDEX job_of_person ON job (account_id, person_id, created_at);

ALTER TABLE person ENABLE ROW LEVEL SECURITY;
ALTER TABLE person FORCE ROW LEVEL SECURITY;
ALTER TABLE member ENABLE ROW LEVEL SECURITY;
ALTER TABLE member FORCE ROW LEVEL SECURITY;
ALTER TABLE invitation ENABLE ROW LEVEL SECURITY;
ALTER TABLE invitation FORCE ROW LEVEL SECURITY;
ALTER TABLE session ENABLE ROW LEVEL SECURITY;
ALTER TABLE session FORCE ROW LEVEL SECURITY;
ALTER TABLE email_link ENABLE ROW LEVEL SECURITY;
ALTER TABLE email_link FORCE ROW LEVEL SECURITY;
ALTER TABLE device_login ENABLE ROW LEVEL SECURITY;
ALTER TABLE device_login FORCE ROW LEVEL SECURITY;

-- An account sees its own members, and of people those who are or were among them: name and address, never a password.
CREATE POLICY own ON member TO tributary_app USING (account_id = (SELECT current_account()));
CREATE POLICY own ON invitation TO tributary_app USING (account_id = (SELECT current_account()));
CREATE POLICY own ON person FOR SELECT TO tributary_app
  USING (EXISTS (SELECT 1 FROM member WHERE member.person_id = person.id
                 AND member.account_id = (SELECT current_account())));
-- Sessions, links and logins are looked up by a secret before it is known whose they are: the scheduler's alone.
CREATE POLICY every ON person TO tributary_scheduler USING (true);
CREATE POLICY every ON member TO tributary_scheduler USING (true);
CREATE POLICY every ON invitation TO tributary_scheduler USING (true);
CREATE POLICY every ON session TO tributary_scheduler USING (true);
CREATE POLICY every ON email_link TO tributary_scheduler USING (true);
CREATE POLICY every ON device_login TO tributary_scheduler USING (true);

GRANT SELECT (id, email, name) ON person TO tributary_app;
GRANT SELECT ON member, invitation TO tributary_app;
GRANT INSERT ON invitation TO tributary_app;
GRANT UPDATE (ended_at) ON invitation TO tributary_app;
GRANT UPDATE (role, month_limit, left_at) ON member TO tributary_app;
GRANT SELECT, INSERT ON person, member, invitation, session, email_link, device_login TO tributary_scheduler;
GRANT UPDATE (name, password, verified_at, operates_since) ON person TO tributary_scheduler;
GRANT UPDATE (role, month_limit, joined_at, left_at) ON member TO tributary_scheduler;
GRANT UPDATE (accepted_by, ended_at) ON invitation TO tributary_scheduler;
GRANT UPDATE (account_id, ended_at) ON session TO tributary_scheduler;
-- What ended long ago is swept away.
GRANT DELETE ON session, email_link, device_login TO tributary_scheduler;
GRANT UPDATE (used_at) ON email_link TO tributary_scheduler;
GRANT UPDATE (state, account_id, person_id, decided_at) ON device_login TO tributary_scheduler;
GRANT INSERT ON api_key TO tributary_scheduler;
GRANT UPDATE (revoked_at, used_at) ON api_key TO tributary_scheduler;
GRANT UPDATE (title, suspended_at) ON account TO tributary_scheduler;
GRANT UPDATE (title) ON account TO tributary_app;
GRANT UPDATE (device_us) ON job TO tributary_scheduler;
