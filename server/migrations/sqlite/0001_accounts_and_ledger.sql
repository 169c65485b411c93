-- Accounts, keys and credits. The database repeats every law of the ledger: a wrong statement is refused, not stored.
--
-- Rows of `hold`, `settlement` and `transfer` are only ever added. Ids are 16 bytes, hashes 32, times microseconds
-- since 1970 UTC. 9007199254740992 is 2^53: every amount is exact in a JSON number too.

CREATE TABLE account (
  id         BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
  name       TEXT    NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 200),
  weight     INTEGER NOT NULL CHECK (weight BETWEEN 1 AND 1000000),
  created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE api_key (
  prefix        TEXT    NOT NULL PRIMARY KEY CHECK (length(prefix) = 12),
  account_id    BLOB    NOT NULL REFERENCES account (id),
  secret_sha256 BLOB    NOT NULL CHECK (length(secret_sha256) = 32),
  label         TEXT    NOT NULL,
  created_at    INTEGER NOT NULL,
  revoked_at    INTEGER
) STRICT;
CREATE INDEX api_key_of_account ON api_key (account_id, created_at);

-- What the rows below add up to; `audit` recomputes it.
CREATE TABLE wallet (
  account_id BLOB    NOT NULL PRIMARY KEY REFERENCES account (id),
  posted     INTEGER NOT NULL DEFAULT 0 CHECK (posted BETWEEN 0 AND 9007199254740992),
  held       INTEGER NOT NULL DEFAULT 0 CHECK (held BETWEEN 0 AND posted)
) STRICT, WITHOUT ROWID;

-- One book for each wallet, and the house's two: credits come out of `issued` and end in `revenue`.
CREATE TABLE book (
  id         INTEGER NOT NULL PRIMARY KEY,
  account_id BLOB    UNIQUE REFERENCES account (id),
  kind       TEXT    NOT NULL CHECK (kind IN ('wallet', 'issued', 'revenue')),
  CHECK ((kind = 'wallet') = (account_id IS NOT NULL))
) STRICT;
CREATE UNIQUE INDEX book_of_house ON book (kind) WHERE account_id IS NULL;
INSERT INTO book (id, account_id, kind) VALUES (1, NULL, 'issued'), (2, NULL, 'revenue');

-- Credits set aside for one job. A job has one hold, so the job's id names it. (The job's table is in 0002.)
CREATE TABLE hold (
  account_id BLOB    NOT NULL REFERENCES wallet (account_id),
  job_id     BLOB    NOT NULL CHECK (length(job_id) = 16),
  amount     INTEGER NOT NULL CHECK (amount BETWEEN 0 AND 9007199254740992),
  created_at INTEGER NOT NULL,
  PRIMARY KEY (account_id, job_id),
  UNIQUE (account_id, job_id, amount),
  FOREIGN KEY (account_id, job_id) REFERENCES job (account_id, id) DEFERRABLE INITIALLY DEFERRED
) STRICT, WITHOUT ROWID;

-- How a hold ended: at most once by its key, and all of it by the sum, which the foreign key ties to the hold.
CREATE TABLE settlement (
  account_id BLOB    NOT NULL,
  job_id     BLOB    NOT NULL,
  amount     INTEGER NOT NULL,
  captured   INTEGER NOT NULL CHECK (captured >= 0),
  released   INTEGER NOT NULL CHECK (released >= 0),
  kind       TEXT    NOT NULL CHECK (kind IN ('captured', 'released', 'expired')),
  settled_at INTEGER NOT NULL,
  PRIMARY KEY (account_id, job_id),
  UNIQUE (account_id, job_id, captured),
  FOREIGN KEY (account_id, job_id, amount) REFERENCES hold (account_id, job_id, amount),
  CHECK (captured + released = amount),
  CHECK (kind = 'captured' OR captured = 0)
) STRICT, WITHOUT ROWID;

-- Every movement: one book gives, one takes, so all books together are zero. A grant is known by its payment and a
-- capture by its job; each moves credits once.
CREATE TABLE transfer (
  line         INTEGER NOT NULL PRIMARY KEY,
  account_id   BLOB    NOT NULL REFERENCES wallet (account_id),
  debit        INTEGER NOT NULL REFERENCES book (id),
  credit       INTEGER NOT NULL REFERENCES book (id),
  amount       INTEGER NOT NULL CHECK (amount BETWEEN 1 AND 9007199254740992),
  kind         TEXT    NOT NULL CHECK (kind IN ('grant', 'capture')),
  payment_id   TEXT    UNIQUE CHECK (length(payment_id) BETWEEN 1 AND 255),
  job_id       BLOB,
  posted_after INTEGER NOT NULL CHECK (posted_after BETWEEN 0 AND 9007199254740992),
  note         TEXT    NOT NULL,
  created_at   INTEGER NOT NULL,
  UNIQUE (account_id, job_id),
  FOREIGN KEY (account_id, job_id, amount) REFERENCES settlement (account_id, job_id, captured),
  CHECK (debit <> credit),
  CHECK ((kind = 'grant') = (payment_id IS NOT NULL)),
  CHECK ((kind = 'capture') = (job_id IS NOT NULL)),
  CHECK (kind <> 'grant' OR debit = 1),
  CHECK (kind <> 'capture' OR credit = 2)
) STRICT;
CREATE INDEX transfer_of_account ON transfer (account_id, line);

CREATE TRIGGER hold_is_kept BEFORE DELETE ON hold
  BEGIN SELECT RAISE(ABORT, 'hold: rows are only added'); END;
CREATE TRIGGER hold_is_fixed BEFORE UPDATE ON hold
  BEGIN SELECT RAISE(ABORT, 'hold: rows are only added'); END;
CREATE TRIGGER settlement_is_kept BEFORE DELETE ON settlement
  BEGIN SELECT RAISE(ABORT, 'settlement: rows are only added'); END;
CREATE TRIGGER settlement_is_fixed BEFORE UPDATE ON settlement
  BEGIN SELECT RAISE(ABORT, 'settlement: rows are only added'); END;
CREATE TRIGGER transfer_is_kept BEFORE DELETE ON transfer
  BEGIN SELECT RAISE(ABORT, 'transfer: rows are only added'); END;
CREATE TRIGGER transfer_is_fixed BEFORE UPDATE ON transfer
  BEGIN SELECT RAISE(ABORT, 'transfer: rows are only added'); END;
