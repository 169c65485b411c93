-- Credits for money. A purchase is one payment for one pack: what was agreed stands in its row, and what the payment
-- service says is compared with that, never taken for it.

CREATE TABLE purchase (
  account_id      uuid    NOT NULL REFERENCES account (id),
  id              uuid    NOT NULL,
  -- Who bought; none for a top-up or a key of nobody.
  person_id       uuid    REFERENCES person (id),
  kind            text    NOT NULL CHECK (kind IN ('checkout', 'top_up')),
  pack            text    NOT NULL CHECK (length(pack) BETWEEN 1 AND 64),
  credits         bigint  NOT NULL CHECK (credits BETWEEN 1 AND 9007199254740992),
  -- In the currency's smallest unit.
  amount_minor    bigint  NOT NULL CHECK (amount_minor BETWEEN 1 AND 99999999),
  currency        text    NOT NULL CHECK (length(currency) = 3),
  -- Whether real money moves; test and live are never mixed.
  live            bigint  NOT NULL CHECK (live IN (0, 1)),
  -- created: agreed. open: the payment service shows its page. processing: paid in a way that takes days. paid: credits
  -- came. failed, expired: no money, no credits. mismatch: what was paid is not what was agreed; an operator decides.
  state           text    NOT NULL CHECK (state IN ('created', 'open', 'processing', 'paid', 'failed', 'expired', 'mismatch')),
  session_id      text    UNIQUE,
  url             text,
  payment_intent  text    UNIQUE,
  receipt_url     text,
  failure         text,
  -- Of a paid one: money that was given back, credits that were spent before they could be taken back, where a dispute
  -- stands, and the credits that it took.
  returned_minor  bigint  NOT NULL DEFAULT 0 CHECK (returned_minor >= 0),
  owed            bigint  NOT NULL DEFAULT 0 CHECK (owed BETWEEN 0 AND 9007199254740992),
  dispute         text    CHECK (dispute IN ('open', 'won', 'lost')),
  dispute_taken   bigint  NOT NULL DEFAULT 0 CHECK (dispute_taken BETWEEN 0 AND credits),
  created_at      bigint  NOT NULL,
  checked_at      bigint  NOT NULL,
  ended_at        bigint,
  PRIMARY KEY (account_id, id),
  CHECK ((state IN ('created', 'open', 'processing')) = (ended_at IS NULL)),
  CHECK (state = 'paid' OR (returned_minor = 0 AND owed = 0 AND dispute IS NULL))
);
CREATE INDEX purchase_newest ON purchase (account_id, created_at);
CREATE INDEX purchase_waiting ON purchase (checked_at) WHERE ended_at IS NULL;
-- An account is topped up one payment at a time.
CREATE UNIQUE INDEX purchase_topping_up ON purchase (account_id) WHERE kind = 'top_up' AND ended_at IS NULL;

-- What the payment service tells, as it came, before anything is done about it.
CREATE TABLE payment_event (
  id          text    NOT NULL PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 255),
  kind        text    NOT NULL,
  object      text    NOT NULL,
  object_id   text    NOT NULL,
  live        bigint  NOT NULL CHECK (live IN (0, 1)),
  raw         bytea  NOT NULL,
  deliveries  bigint  NOT NULL DEFAULT 1 CHECK (deliveries >= 1),
  -- new: to be looked at. done: its effect is in the books. ignored: nothing of ours. dead: given up; an operator looks.
  state       text    NOT NULL DEFAULT 'new' CHECK (state IN ('new', 'done', 'ignored', 'dead')),
  tries       bigint  NOT NULL DEFAULT 0 CHECK (tries >= 0),
  next_try_at bigint  NOT NULL,
  last_error  text,
  received_at bigint  NOT NULL
);
CREATE INDEX payment_event_new ON payment_event (next_try_at) WHERE state = 'new';

-- The payment service's name for whoever pays, and how it pays again without being asked each time.
CREATE TABLE payer (
  account_id      uuid    NOT NULL REFERENCES account (id),
  live            bigint  NOT NULL CHECK (live IN (0, 1)),
  customer        text    NOT NULL CHECK (length(customer) BETWEEN 1 AND 255),
  payment_method  text,
  -- Buys this pack when fewer credits are available, for at most so much money in a calendar month; none: does not.
  top_up_pack     text,
  top_up_below    bigint  CHECK (top_up_below >= 0),
  top_up_max_minor bigint CHECK (top_up_max_minor >= 0),
  -- Why it was stopped, for the account's owners.
  top_up_failure  text,
  PRIMARY KEY (account_id, live),
  CHECK ((top_up_pack IS NULL) = (top_up_below IS NULL) AND (top_up_pack IS NULL) = (top_up_max_minor IS NULL))
);

ALTER TABLE purchase ENABLE ROW LEVEL SECURITY;
ALTER TABLE purchase FORCE ROW LEVEL SECURITY;
ALTER TABLE payment_event ENABLE ROW LEVEL SECURITY;
ALTER TABLE payment_event FORCE ROW LEVEL SECURITY;
ALTER TABLE payer ENABLE ROW LEVEL SECURITY;
ALTER TABLE payer FORCE ROW LEVEL SECURITY;
-- An account agrees on a purchase and sees its own; what was paid is for the scheduler to say.
CREATE POLICY own ON purchase TO tributary_app USING (account_id = (SELECT current_account()))
  WITH CHECK (account_id = (SELECT current_account()) AND state = 'created');
CREATE POLICY own ON payer TO tributary_app USING (account_id = (SELECT current_account()));
CREATE POLICY every ON purchase TO tributary_scheduler USING (true);
CREATE POLICY every ON payment_event TO tributary_scheduler USING (true);
CREATE POLICY every ON payer TO tributary_scheduler USING (true);
GRANT SELECT ON purchase, payer TO tributary_app, tributary_scheduler;
GRANT INSERT ON purchase TO tributary_app, tributary_scheduler;
GRANT UPDATE (state, session_id, url, payment_intent, receipt_url, failure, returned_minor, owed, dispute, dispute_taken, checked_at, ended_at)
  ON purchase TO tributary_scheduler;
GRANT SELECT, INSERT ON payment_event TO tributary_scheduler;
GRANT UPDATE (deliveries, state, tries, next_try_at, last_error) ON payment_event TO tributary_scheduler;
GRANT INSERT ON payer TO tributary_scheduler;
GRANT UPDATE (customer, payment_method, top_up_pack, top_up_below, top_up_max_minor, top_up_failure) ON payer TO tributary_scheduler;
GRANT UPDATE (top_up_pack, top_up_below, top_up_max_minor, top_up_failure) ON payer TO tributary_app;
