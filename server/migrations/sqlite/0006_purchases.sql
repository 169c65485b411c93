-- Credits for money. A purchase is one payment for one pack: what was agreed stands in its row, and what the payment
-- service says is compared with that, never taken for it.

CREATE TABLE purchase (
  account_id      BLOB    NOT NULL REFERENCES account (id),
  id              BLOB    NOT NULL,
  -- Who bought; none for a top-up or a key of nobody.
  person_id       BLOB    REFERENCES person (id),
  kind            TEXT    NOT NULL CHECK (kind IN ('checkout', 'top_up')),
  pack            TEXT    NOT NULL CHECK (length(pack) BETWEEN 1 AND 64),
  credits         INTEGER NOT NULL CHECK (credits BETWEEN 1 AND 9007199254740992),
  -- In the currency's smallest unit.
  amount_minor    INTEGER NOT NULL CHECK (amount_minor BETWEEN 1 AND 99999999),
  currency        TEXT    NOT NULL CHECK (length(currency) = 3),
  -- Whether real money moves; test and live are never mixed.
  live            INTEGER NOT NULL CHECK (live IN (0, 1)),
  -- created: agreed. open: the payment service shows its page. processing: paid in a way that takes days. paid: credits
  -- came. failed, expired: no money, no credits. mismatch: what was paid is not what was agreed; an operator decides.
  state           TEXT    NOT NULL CHECK (state IN ('created', 'open', 'processing', 'paid', 'failed', 'expired', 'mismatch')),
  session_id      TEXT    UNIQUE,
  url             TEXT,
  payment_intent  TEXT    UNIQUE,
  receipt_url     TEXT,
  failure         TEXT,
  -- Of a paid one: money that was given back, credits that were spent before they could be taken back, where a dispute
  -- stands, and the credits that it took.
  returned_minor  INTEGER NOT NULL DEFAULT 0 CHECK (returned_minor >= 0),
  owed            INTEGER NOT NULL DEFAULT 0 CHECK (owed BETWEEN 0 AND 9007199254740992),
  dispute         TEXT    CHECK (dispute IN ('open', 'won', 'lost')),
  dispute_taken   INTEGER NOT NULL DEFAULT 0 CHECK (dispute_taken BETWEEN 0 AND credits),
  created_at      INTEGER NOT NULL,
  checked_at      INTEGER NOT NULL,
  ended_at        INTEGER,
  PRIMARY KEY (account_id, id),
  CHECK ((state IN ('created', 'open', 'processing')) = (ended_at IS NULL)),
  CHECK (state = 'paid' OR (returned_minor = 0 AND owed = 0 AND dispute IS NULL))
) STRICT;
CREATE INDEX purchase_newest ON purchase (account_id, created_at);
CREATE INDEX purchase_waiting ON purchase (checked_at) WHERE ended_at IS NULL;
-- An account is topped up one payment at a time.
CREATE UNIQUE INDEX purchase_topping_up ON purchase (account_id) WHERE kind = 'top_up' AND ended_at IS NULL;

-- What the payment service tells, as it came, before anything is done about it.
CREATE TABLE payment_event (
  id          TEXT    NOT NULL PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 255),
  kind        TEXT    NOT NULL,
  object      TEXT    NOT NULL,
  object_id   TEXT    NOT NULL,
  live        INTEGER NOT NULL CHECK (live IN (0, 1)),
  raw         BLOB   NOT NULL,
  deliveries  INTEGER NOT NULL DEFAULT 1 CHECK (deliveries >= 1),
  -- new: to be looked at. done: its effect is in the books. ignored: nothing of ours. dead: given up; an operator looks.
  state       TEXT    NOT NULL DEFAULT 'new' CHECK (state IN ('new', 'done', 'ignored', 'dead')),
  tries       INTEGER NOT NULL DEFAULT 0 CHECK (tries >= 0),
  next_try_at INTEGER NOT NULL,
  last_error  TEXT,
  received_at INTEGER NOT NULL
) STRICT;
CREATE INDEX payment_event_new ON payment_event (next_try_at) WHERE state = 'new';

-- The payment service's name for whoever pays, and how it pays again without being asked each time.
CREATE TABLE payer (
  account_id      BLOB    NOT NULL REFERENCES account (id),
  live            INTEGER NOT NULL CHECK (live IN (0, 1)),
  customer        TEXT    NOT NULL CHECK (length(customer) BETWEEN 1 AND 255),
  payment_method  TEXT,
  -- Buys this pack when fewer credits are available, for at most so much money in a calendar month; none: does not.
  top_up_pack     TEXT,
  top_up_below    INTEGER CHECK (top_up_below >= 0),
  top_up_max_minor INTEGER CHECK (top_up_max_minor >= 0),
  -- Why it was stopped, for the account's owners.
  top_up_failure  TEXT,
  PRIMARY KEY (account_id, live),
  CHECK ((top_up_pack IS NULL) = (top_up_below IS NULL) AND (top_up_pack IS NULL) = (top_up_max_minor IS NULL))
) STRICT;
