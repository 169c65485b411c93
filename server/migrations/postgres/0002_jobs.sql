-- Jobs and the stems they made. A job cannot be stored without its hold, nor a hold without its job.

CREATE TABLE job (
  account_id      uuid    NOT NULL REFERENCES account (id),
  id              uuid    NOT NULL,
  state           text    NOT NULL
                  CHECK (state IN ('uploading', 'queued', 'running', 'done', 'failed', 'cancelled', 'expired')),
  seq             bigint  NOT NULL CHECK (seq >= 1),
  model           text    NOT NULL,
  stems           jsonb   NOT NULL,
  title           text    NOT NULL,
  clip_sha256     bytea   NOT NULL CHECK (length(clip_sha256) = 32),
  clip_frames     bigint  NOT NULL CHECK (clip_frames >= 0),
  clip_channels   bigint  NOT NULL CHECK (clip_channels >= 0),
  clip_rate_hz    bigint  NOT NULL CHECK (clip_rate_hz >= 0),
  chunks          bigint  NOT NULL CHECK (chunks >= 0),
  chunks_done     bigint  NOT NULL DEFAULT 0 CHECK (chunks_done BETWEEN 0 AND chunks),
  -- Rises with every claim and never falls: the fence that refuses stale workers.
  attempt         bigint  NOT NULL DEFAULT 0 CHECK (attempt >= 0),
  -- Attempts that ended because the lease ran out; these count against the limit, a job given back does not.
  lost_leases     bigint  NOT NULL DEFAULT 0 CHECK (lost_leases BETWEEN 0 AND attempt),
  -- The attempt that settled the job; none when its user or the reaper ended it.
  settled_attempt bigint  CHECK (settled_attempt IS NULL OR (settled_attempt = attempt AND ended_at IS NOT NULL)),
  lease_owner     text,
  lease_until     bigint,
  cancel_asked    boolean NOT NULL DEFAULT false,
  failure         text,
  -- The clip and the stems were deleted from the artifacts.
  forgotten       boolean NOT NULL DEFAULT false CHECK (NOT forgotten OR ended_at IS NOT NULL),
  upload_until    bigint,
  created_at      bigint  NOT NULL,
  queued_at       bigint,
  started_at      bigint,
  ended_at        bigint,
  PRIMARY KEY (account_id, id),
  FOREIGN KEY (account_id, id) REFERENCES hold (account_id, job_id),
  CHECK ((state IN ('done', 'failed', 'cancelled', 'expired')) = (ended_at IS NOT NULL)),
  CHECK ((state = 'running') = (lease_owner IS NOT NULL)),
  CHECK ((state = 'running') = (lease_until IS NOT NULL)),
  CHECK ((state = 'uploading') = (upload_until IS NOT NULL)),
  CHECK ((state = 'failed') = (failure IS NOT NULL)),
  CHECK (state NOT IN ('queued', 'running', 'done') OR queued_at IS NOT NULL),
  CHECK (state NOT IN ('running', 'done') OR (started_at IS NOT NULL AND attempt > 0))
);
CREATE INDEX job_newest ON job (account_id, created_at, id);
CREATE INDEX job_clip ON job (account_id, clip_sha256);
CREATE INDEX job_open ON job (account_id) WHERE ended_at IS NULL;
CREATE INDEX job_uploading ON job (upload_until) WHERE state = 'uploading';
-- Holds all that choosing the next job asks for, so that a long queue is read from the index alone.
CREATE INDEX job_queued ON job (queued_at, id, account_id, lost_leases) WHERE state = 'queued';
CREATE INDEX job_running ON job (account_id, lease_until) WHERE state = 'running';
CREATE INDEX job_kept ON job (ended_at) WHERE NOT forgotten AND ended_at IS NOT NULL;

ALTER TABLE hold ADD CONSTRAINT hold_of_job
  FOREIGN KEY (account_id, job_id) REFERENCES job (account_id, id) DEFERRABLE INITIALLY DEFERRED;

CREATE TABLE stem_artifact (
  account_id uuid   NOT NULL,
  job_id     uuid   NOT NULL,
  place      bigint NOT NULL CHECK (place >= 0),
  name       text   NOT NULL,
  sha256     bytea  NOT NULL CHECK (length(sha256) = 32),
  bytes      bigint NOT NULL CHECK (bytes >= 0),
  PRIMARY KEY (account_id, job_id, place),
  UNIQUE (account_id, job_id, name),
  FOREIGN KEY (account_id, job_id) REFERENCES job (account_id, id)
);
CREATE INDEX stem_artifact_content ON stem_artifact (account_id, sha256);

-- Rings in every server that listens, when the change is committed and not before. Listening needs no right to any row,
-- so the words name nobody: a job is the hash of its account and its id, which a stranger cannot turn back.
CREATE FUNCTION job_is_told() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  PERFORM pg_notify('tributary_job', concat_ws(' ',
    encode(sha256(uuid_send(NEW.account_id) || uuid_send(NEW.id)), 'hex'), NEW.state, NEW.cancel_asked));
  RETURN NULL;
END $$;
CREATE TRIGGER job_is_new AFTER INSERT ON job FOR EACH ROW EXECUTE FUNCTION job_is_told();
CREATE TRIGGER job_has_changed AFTER UPDATE ON job FOR EACH ROW
  WHEN (OLD.seq <> NEW.seq) EXECUTE FUNCTION job_is_told();

ALTER TABLE job ENABLE ROW LEVEL SECURITY;
ALTER TABLE job FORCE ROW LEVEL SECURITY;
ALTER TABLE stem_artifact ENABLE ROW LEVEL SECURITY;
ALTER TABLE stem_artifact FORCE ROW LEVEL SECURITY;

-- A user's request asks, queues and cancels; that a job is done, failed or expired is for the scheduler to say.
CREATE POLICY own ON job TO tributary_app USING (account_id = (SELECT current_account()))
  WITH CHECK (account_id = (SELECT current_account()) AND state IN ('uploading', 'queued', 'running', 'cancelled'));
CREATE POLICY own ON stem_artifact TO tributary_app USING (account_id = (SELECT current_account()));
CREATE POLICY every ON job TO tributary_scheduler USING (true);
CREATE POLICY every ON stem_artifact TO tributary_scheduler USING (true);

GRANT SELECT ON job, stem_artifact TO tributary_app, tributary_scheduler;
GRANT INSERT ON job TO tributary_app;
GRANT UPDATE (state, seq, cancel_asked, upload_until, queued_at, ended_at) ON job TO tributary_app;
GRANT UPDATE (state, seq, chunks_done, attempt, lost_leases, settled_attempt, lease_owner, lease_until, cancel_asked,
  failure, forgotten, upload_until, started_at, ended_at) ON job TO tributary_scheduler;
GRANT INSERT, DELETE ON stem_artifact TO tributary_scheduler;
