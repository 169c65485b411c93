-- Customers are told how their jobs end: where, and what is still to be told.

CREATE TABLE webhook (
  account_id   BLOB    NOT NULL REFERENCES account (id),
  id           BLOB    NOT NULL,
  url          TEXT    NOT NULL CHECK (length(url) BETWEEN 1 AND 2000),
  -- Words of events, a space between them.
  events       TEXT    NOT NULL CHECK (length(events) BETWEEN 1 AND 200),
  -- Signs what is sent. It has to be there in plain text: a hash signs nothing.
  secret       TEXT    NOT NULL CHECK (length(secret) BETWEEN 32 AND 128),
  -- The one before signs, too, until then.
  old_secret   TEXT,
  old_until    INTEGER,
  created_at   INTEGER NOT NULL,
  PRIMARY KEY (account_id, id),
  CHECK ((old_secret IS NULL) = (old_until IS NULL))
) STRICT;

-- One event for one address. Written in the transaction that ends the job, so none is lost.
CREATE TABLE webhook_delivery (
  account_id    BLOB    NOT NULL,
  webhook_id    BLOB    NOT NULL,
  -- Of a job's end the job's own id: a job ends once.
  event_id      BLOB    NOT NULL,
  event         TEXT    NOT NULL CHECK (event IN ('job.done', 'job.failed', 'job.cancelled', 'test')),
  -- waiting: to be sent. delivered: the other side said so. dead: given up.
  state         TEXT    NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'delivered', 'dead')),
  tries         INTEGER NOT NULL DEFAULT 0 CHECK (tries >= 0),
  next_try_at   INTEGER NOT NULL,
  give_up_at    INTEGER NOT NULL,
  -- Somebody is sending it; after that time it is sent again.
  sending_until INTEGER,
  last_status   INTEGER CHECK (last_status BETWEEN 100 AND 999),
  last_error    TEXT,
  created_at    INTEGER NOT NULL,
  ended_at      INTEGER,
  PRIMARY KEY (account_id, webhook_id, event_id),
  FOREIGN KEY (account_id, webhook_id) REFERENCES webhook (account_id, id),
  CHECK ((state = 'waiting') = (ended_at IS NULL))
) STRICT;
CREATE INDEX webhook_delivery_waiting ON webhook_delivery (next_try_at) WHERE state = 'waiting';
CREATE INDEX webhook_delivery_newest ON webhook_delivery (account_id, webhook_id, created_at);
CREATE INDEX webhook_delivery_ended ON webhook_delivery (ended_at) WHERE ended_at IS NOT NULL;
