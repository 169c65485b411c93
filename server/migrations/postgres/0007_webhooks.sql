-- Customers are told how their jobs end: where, and what is still to be told.

CREATE TABLE webhook (
  account_id   uuid    NOT NULL REFERENCES account (id),
  id           uuid    NOT NULL,
  url          text    NOT NULL CHECK (length(url) BETWEEN 1 AND 2000),
  -- Words of events, a space between them.
  events       text    NOT NULL CHECK (length(events) BETWEEN 1 AND 200),
  -- Signs what is sent. It has to be there in plain text: a hash signs nothing.
  secret       text    NOT NULL CHECK (length(secret) BETWEEN 32 AND 128),
  -- The one before signs, too, until then.
  old_secret   text,
  old_until    bigint,
  created_at   bigint  NOT NULL,
  PRIMARY KEY (account_id, id),
  CHECK ((old_secret IS NULL) = (old_until IS NULL))
);

-- One event for one address. Written in the transaction that ends the job, so none is lost.
CREATE TABLE webhook_delivery (
  account_id    uuid    NOT NULL,
  webhook_id    uuid    NOT NULL,
  -- Of a job's end the job's own id: a job ends once.
  event_id      uuid    NOT NULL,
  event         text    NOT NULL CHECK (event IN ('job.done', 'job.failed', 'job.cancelled', 'test')),
  -- waiting: to be sent. delivered: the other side said so. dead: given up.
  state         text    NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'delivered', 'dead')),
  tries         bigint  NOT NULL DEFAULT 0 CHECK (tries >= 0),
  next_try_at   bigint  NOT NULL,
  give_up_at    bigint  NOT NULL,
  -- Somebody is sending it; after that time it is sent again.
  sending_until bigint,
  last_status   bigint  CHECK (last_status BETWEEN 100 AND 999),
  last_error    text,
  created_at    bigint  NOT NULL,
  ended_at      bigint,
  PRIMARY KEY (account_id, webhook_id, event_id),
  FOREIGN KEY (account_id, webhook_id) REFERENCES webhook (account_id, id),
  CHECK ((state = 'waiting') = (ended_at IS NULL))
);
CREATE INDEX webhook_delivery_waiting ON webhook_delivery (next_try_at) WHERE state = 'waiting';
CREATE INDEX webhook_delivery_newest ON webhook_delivery (account_id, webhook_id, created_at);
CREATE INDEX webhook_delivery_ended ON webhook_delivery (ended_at) WHERE ended_at IS NOT NULL;

ALTER TABLE webhook ENABLE ROW LEVEL SECURITY;
ALTER TABLE webhook FORCE ROW LEVEL SECURITY;
ALTER TABLE webhook_delivery ENABLE ROW LEVEL SECURITY;
ALTER TABLE webhook_delivery FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON webhook TO tributary_app USING (account_id = (SELECT current_account()));
CREATE POLICY own ON webhook_delivery TO tributary_app USING (account_id = (SELECT current_account()));
CREATE POLICY every ON webhook TO tributary_scheduler USING (true);
CREATE POLICY every ON webhook_delivery TO tributary_scheduler USING (true);
-- An account writes a secret once and never reads one: who sends does.
GRANT SELECT (account_id, id, url, events, old_until, created_at), INSERT, DELETE ON webhook TO tributary_app;
GRANT SELECT ON webhook TO tributary_scheduler;
GRANT UPDATE (secret, old_secret, old_until) ON webhook TO tributary_scheduler;
GRANT SELECT, INSERT, DELETE ON webhook_delivery TO tributary_app, tributary_scheduler;
GRANT UPDATE (state, tries, next_try_at, give_up_at, ended_at) ON webhook_delivery TO tributary_app;
GRANT UPDATE (state, tries, next_try_at, sending_until, last_status, last_error, ended_at) ON webhook_delivery
  TO tributary_scheduler;
