-- Jobs and the stems they made. A job cannot be stored without its hold, nor a hold (0001) without its job.

CREATE TABLE job (
  account_id      BLOB    NOT NULL REFERENCES account (id),
  id              BLOB    NOT NULL CHECK (length(id) = 16),
  state           TEXT    NOT NULL
                  CHECK (state IN ('uploading', 'queued', 'running', 'done', 'failed', 'cancelled', 'expired')),
  seq             INTEGER NOT NULL CHECK (seq >= 1),
  model           TEXT    NOT NULL,
  stems           TEXT    NOT NULL CHECK (json_valid(stems)),
  title           TEXT    NOT NULL,
  clip_sha256     BLOB    NOT NULL CHECK (length(clip_sha256) = 32),
  clip_frames     INTEGER NOT NULL CHECK (clip_frames >= 0),
  clip_channels   INTEGER NOT NULL CHECK (clip_channels >= 0),
  clip_rate_hz    INTEGER NOT NULL CHECK (clip_rate_hz >= 0),
  chunks          INTEGER NOT NULL CHECK (chunks >= 0),
  chunks_done     INTEGER NOT NULL DEFAULT 0 CHECK (chunks_done BETWEEN 0 AND chunks),
  -- Rises with every claim and never falls: the fence that refuses stale workers.
  attempt         INTEGER NOT NULL DEFAULT 0 CHECK (attempt >= 0),
  -- Attempts that ended because the lease ran out; these count against the limit, a job given back does not.
  lost_leases     INTEGER NOT NULL DEFAULT 0 CHECK (lost_leases BETWEEN 0 AND attempt),
  -- The attempt that settled the job; none when its user or the reaper ended it.
  settled_attempt INTEGER CHECK (settled_attempt IS NULL OR (settled_attempt = attempt AND ended_at IS NOT NULL)),
  lease_owner     TEXT,
  lease_until     INTEGER,
  cancel_asked    INTEGER NOT NULL DEFAULT 0 CHECK (cancel_asked IN (0, 1)),
  failure         TEXT,
  -- The clip and the stems were deleted from the artifacts.
  forgotten       INTEGER NOT NULL DEFAULT 0 CHECK (forgotten = 0 OR (forgotten = 1 AND ended_at IS NOT NULL)),
  upload_until    INTEGER,
  created_at      INTEGER NOT NULL,
  queued_at       INTEGER,
  started_at      INTEGER,
  ended_at        INTEGER,
  PRIMARY KEY (account_id, id),
  FOREIGN KEY (account_id, id) REFERENCES hold (account_id, job_id),
  CHECK ((state IN ('done', 'failed', 'cancelled', 'expired')) = (ended_at IS NOT NULL)),
  CHECK ((state = 'running') = (lease_owner IS NOT NULL)),
  CHECK ((state = 'running') = (lease_until IS NOT NULL)),
  CHECK ((state = 'uploading') = (upload_until IS NOT NULL)),
  CHECK ((state = 'failed') = (failure IS NOT NULL)),
  CHECK (state NOT IN ('queued', 'running', 'done') OR queued_at IS NOT NULL),
  CHECK (state NOT IN ('running', 'done') OR (started_at IS NOT NULL AND attempt > 0))
) STRICT, WITHOUT ROWID;
CREATE INDEX job_newest ON job (account_id, created_at, id);
CREATE INDEX job_clip ON job (account_id, clip_sha256);
CREATE INDEX job_open ON job (account_id) WHERE ended_at IS NULL;
CREATE INDEX job_uploading ON job (upload_until) WHERE state = 'uploading';
-- Holds all that choosing the next job asks for, so that a long queue is read from the index alone.
CREATE INDEX job_queued ON job (queued_at, id, account_id, lost_leases) WHERE state = 'queued';
CREATE INDEX job_running ON job (account_id, lease_until) WHERE state = 'running';
CREATE INDEX job_kept ON job (ended_at) WHERE forgotten = 0 AND ended_at IS NOT NULL;

CREATE TABLE stem_artifact (
  account_id BLOB    NOT NULL,
  job_id     BLOB    NOT NULL,
  place      INTEGER NOT NULL CHECK (place >= 0),
  name       TEXT    NOT NULL,
  sha256     BLOB    NOT NULL CHECK (length(sha256) = 32),
  bytes      INTEGER NOT NULL CHECK (bytes >= 0),
  PRIMARY KEY (account_id, job_id, place),
  UNIQUE (account_id, job_id, name),
  FOREIGN KEY (account_id, job_id) REFERENCES job (account_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX stem_artifact_content ON stem_artifact (account_id, sha256);
