-- Credits that end, credits that a job gives back later, credits that a payment takes back.

-- grant: credits come. capture: a job takes its share of a hold. refund: an operator gives a job's credits back.
-- expiry: credits of a grant that ends. takeback: the payment behind a grant was taken back.
-- `payment_id` is what moves credits once: a payment, an expiry of a lot, a refund. A capture is known by its job.
ALTER TABLE transfer
  ADD COLUMN refund_of uuid,
  DROP CONSTRAINT transfer_kind_check,
  DROP CONSTRAINT transfer_check1,
  DROP CONSTRAINT transfer_check2,
  DROP CONSTRAINT transfer_check3,
  DROP CONSTRAINT transfer_check4,
  ADD CONSTRAINT transfer_kind CHECK (kind IN ('grant', 'capture', 'refund', 'expiry', 'takeback')),
  ADD CONSTRAINT transfer_payment CHECK ((kind = 'capture') = (payment_id IS NULL)),
  ADD CONSTRAINT transfer_job CHECK ((kind = 'capture') = (job_id IS NOT NULL)),
  ADD CONSTRAINT transfer_refund CHECK ((kind = 'refund') = (refund_of IS NOT NULL)),
  ADD CONSTRAINT transfer_out_of_issued CHECK (kind <> 'grant' OR debit = 1),
  ADD CONSTRAINT transfer_back_to_issued CHECK (kind NOT IN ('expiry', 'takeback') OR credit = 1),
  ADD CONSTRAINT transfer_into_revenue CHECK (kind <> 'capture' OR credit = 2),
  ADD CONSTRAINT transfer_out_of_revenue CHECK (kind <> 'refund' OR debit = 2),
  ADD CONSTRAINT transfer_one_refund UNIQUE (account_id, refund_of),
  ADD CONSTRAINT transfer_line_of_account UNIQUE (account_id, line),
  ADD CONSTRAINT transfer_refunded_job FOREIGN KEY (account_id, refund_of) REFERENCES settlement (account_id, job_id);

-- A grant that ends. Its credits are the first to be spent, the soonest to end before others.
CREATE TABLE lot (
  account_id uuid   NOT NULL,
  line       bigint NOT NULL,
  amount     bigint NOT NULL CHECK (amount >= 1),
  expires_at bigint NOT NULL,
  PRIMARY KEY (account_id, line),
  FOREIGN KEY (account_id, line) REFERENCES transfer (account_id, line)
);
CREATE INDEX lot_that_ends ON lot (expires_at);

-- What a movement took out of a lot: a capture, or the lot's own end.
CREATE TABLE lot_use (
  account_id uuid   NOT NULL,
  lot        bigint NOT NULL,
  line       bigint NOT NULL,
  amount     bigint NOT NULL CHECK (amount >= 1),
  PRIMARY KEY (account_id, lot, line),
  FOREIGN KEY (account_id, lot) REFERENCES lot (account_id, line),
  FOREIGN KEY (account_id, line) REFERENCES transfer (account_id, line)
);

CREATE TRIGGER lot_is_fixed BEFORE UPDATE OR DELETE OR TRUNCATE ON lot
  FOR EACH STATEMENT EXECUTE FUNCTION rows_are_only_added();
CREATE TRIGGER lot_use_is_fixed BEFORE UPDATE OR DELETE OR TRUNCATE ON lot_use
  FOR EACH STATEMENT EXECUTE FUNCTION rows_are_only_added();

ALTER TABLE lot ENABLE ROW LEVEL SECURITY;
ALTER TABLE lot FORCE ROW LEVEL SECURITY;
ALTER TABLE lot_use ENABLE ROW LEVEL SECURITY;
ALTER TABLE lot_use FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON lot TO tributary_app USING (account_id = (SELECT current_account()));
CREATE POLICY own ON lot_use TO tributary_app USING (account_id = (SELECT current_account()));
CREATE POLICY every ON lot TO tributary_scheduler USING (true);
CREATE POLICY every ON lot_use TO tributary_scheduler USING (true);
GRANT SELECT ON lot, lot_use TO tributary_app, tributary_scheduler;
GRANT INSERT ON lot, lot_use TO tributary_scheduler;
