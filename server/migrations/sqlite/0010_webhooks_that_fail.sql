-- A job that expires is told of, too. An endpoint where nothing is taken any more is switched off. SQLite cannot change a
-- rule of a table, so the table of deliveries is made anew with the same rows.

-- Who made it, and so who is told when it is switched off; none for keys of nobody.
ALTER TABLE webhook ADD COLUMN person_id BLOB REFERENCES person (id);
-- The first try that failed since something was taken there.
ALTER TABLE webhook ADD COLUMN failing_since INTEGER;
-- Switched off since, and why. Ends of jobs are not kept for it.
ALTER TABLE webhook ADD COLUMN disabled_at INTEGER;
ALTER TABLE webhook ADD COLUMN disabled_reason TEXT CHECK ((disabled_at IS NULL) = (disabled_reason IS NULL));

CREATE TABLE told (
  account_id    BLOB    NOT NULL,
  webhook_id    BLOB    NOT NULL,
  -- Of a job's end the job's own id: a job ends once.
  event_id      BLOB    NOT NULL,
  event         TEXT    NOT NULL CHECK (event IN ('job.done', 'job.failed', 'job.cancelled', 'job.expired', 'test')),
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
INSERT INTO told (account_id, webhook_id, event_id, event, state, tries, next_try_at, give_up_at, sending_until, last_status,
  last_error, created_at, ended_at)
  SELECT account_id, webhook_id, event_id, event, state, tries, next_try_at, give_up_at, sending_until, last_status,
  last_error, created_at, ended_at FROM webhook_delivery;
DROP TABLE webhook_delivery;
ALTER TABLE told RENAME TO webhook_delivery;
CREATE INDEX webhook_delivery_waiting ON webhook_delivery (next_try_at) WHERE state = 'waiting';
CREATE INDEX webhook_delivery_newest ON webhook_delivery (account_id, webhook_id, created_at);
CREATE INDEX webhook_delivery_ended ON webhook_delivery (ended_at) WHERE ended_at IS NOT NULL;
