-- Credits that end, credits that a job gives back later, credits that a payment takes back. SQLite cannot change a rule
-- of a table, so the table of movements is made anew with the same rows.

CREATE TABLE movement (
  line         INTEGER NOT NULL PRIMARY KEY,
  account_id   BLOB    NOT NULL REFERENCES wallet (account_id),
  debit        INTEGER NOT NULL REFERENCES book (id),
  credit       INTEGER NOT NULL REFERENCES book (id),
  amount       INTEGER NOT NULL CHECK (amount BETWEEN 1 AND 9007199254740992),
  -- grant: credits come. capture: a job takes its share of a hold. refund: an operator gives a job's credits back.
  -- expiry: credits of a grant that ends. takeback: the payment behind a grant was taken back.
  kind         TEXT    NOT NULL CHECK (kind IN ('grant', 'capture', 'refund', 'expiry', 'takeback')),
  -- What moves credits once: a payment, an expiry of a lot, a refund. A capture is known by its job.
  payment_id   TEXT    UNIQUE CHECK (length(payment_id) BETWEEN 1 AND 255),
  job_id       BLOB,
  refund_of    BLOB,
  posted_after INTEGER NOT NULL CHECK (posted_after BETWEEN 0 AND 9007199254740992),
  note         TEXT    NOT NULL,
  created_at   INTEGER NOT NULL,
  UNIQUE (account_id, job_id),
  UNIQUE (account_id, refund_of),
  UNIQUE (account_id, line),
  FOREIGN KEY (account_id, job_id, amount) REFERENCES settlement (account_id, job_id, captured),
  FOREIGN KEY (account_id, refund_of) REFERENCES settlement (account_id, job_id),
  CHECK (debit <> credit),
  CHECK ((kind = 'capture') = (payment_id IS NULL)),
  CHECK ((kind = 'capture') = (job_id IS NOT NULL)),
  CHECK ((kind = 'refund') = (refund_of IS NOT NULL)),
  CHECK (kind <> 'grant' OR debit = 1),
  CHECK (kind NOT IN ('expiry', 'takeback') OR credit = 1),
  CHECK (kind <> 'capture' OR credit = 2),
  CHECK (kind <> 'refund' OR debit = 2)
) STRICT;
INSERT INTO movement (line, account_id, debit, credit, amount, kind, payment_id, job_id, posted_after, note, created_at)
  SELECT line, account_id, debit, credit, amount, kind, payment_id, job_id, posted_after, note, created_at FROM transfer;
DROP TABLE transfer;
ALTER TABLE movement RENAME TO transfer;
CREATE INDEX transfer_of_account ON transfer (account_id, line);
CREATE TRIGGER transfer_is_kept BEFORE DELETE ON transfer
  BEGIN SELECT RAISE(ABORT, 'transfer: rows are only added'); END;
CREATE TRIGGER transfer_is_fixed BEFORE UPDATE ON transfer
  BEGIN SELECT RAISE(ABORT, 'transfer: rows are only added'); END;

-- A grant that ends. Its credits are the first to be spent, the soonest to end before others.
CREATE TABLE lot (
  account_id BLOB    NOT NULL,
  line       INTEGER NOT NULL,
  amount     INTEGER NOT NULL CHECK (amount >= 1),
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (account_id, line),
  FOREIGN KEY (account_id, line) REFERENCES transfer (account_id, line)
) STRICT, WITHOUT ROWID;
CREATE INDEX lot_that_ends ON lot (expires_at);

-- What a movement took out of a lot: a capture, or the lot's own end.
CREATE TABLE lot_use (
  account_id BLOB    NOT NULL,
  lot        INTEGER NOT NULL,
  line       INTEGER NOT NULL,
  amount     INTEGER NOT NULL CHECK (amount >= 1),
  PRIMARY KEY (account_id, lot, line),
  FOREIGN KEY (account_id, lot) REFERENCES lot (account_id, line),
  FOREIGN KEY (account_id, line) REFERENCES transfer (account_id, line)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER lot_is_kept BEFORE DELETE ON lot BEGIN SELECT RAISE(ABORT, 'lot: rows are only added'); END;
CREATE TRIGGER lot_is_fixed BEFORE UPDATE ON lot BEGIN SELECT RAISE(ABORT, 'lot: rows are only added'); END;
CREATE TRIGGER lot_use_is_kept BEFORE DELETE ON lot_use BEGIN SELECT RAISE(ABORT, 'lot_use: rows are only added'); END;
CREATE TRIGGER lot_use_is_fixed BEFORE UPDATE ON lot_use BEGIN SELECT RAISE(ABORT, 'lot_use: rows are only added'); END;
