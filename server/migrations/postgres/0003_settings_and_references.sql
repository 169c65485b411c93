-- What a job was told beside its clip: the values of the model's controls, and clips the result shall be made like.

ALTER TABLE job ADD COLUMN settings jsonb NOT NULL DEFAULT '{}';
-- The job's own clip is an artifact; a job with references may wait for more. Of use while it is uploading.
ALTER TABLE job ADD COLUMN clip_stored boolean NOT NULL DEFAULT false;

CREATE TABLE job_reference (
  account_id uuid    NOT NULL,
  job_id     uuid    NOT NULL,
  place      bigint  NOT NULL CHECK (place >= 0),
  sha256     bytea   NOT NULL CHECK (length(sha256) = 32),
  frames     bigint  NOT NULL CHECK (frames >= 0),
  channels   bigint  NOT NULL CHECK (channels >= 0),
  rate_hz    bigint  NOT NULL CHECK (rate_hz >= 0),
  stored     boolean NOT NULL DEFAULT false,
  PRIMARY KEY (account_id, job_id, place),
  FOREIGN KEY (account_id, job_id) REFERENCES job (account_id, id)
);
CREATE INDEX job_reference_content ON job_reference (account_id, sha256);

ALTER TABLE job_reference ENABLE ROW LEVEL SECURITY;
ALTER TABLE job_reference FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON job_reference TO tributary_app USING (account_id = (SELECT current_account()));
CREATE POLICY every ON job_reference TO tributary_scheduler USING (true);
GRANT SELECT ON job_reference TO tributary_app, tributary_scheduler;
GRANT INSERT ON job_reference TO tributary_app;
GRANT UPDATE (stored) ON job_reference TO tributary_app;
GRANT UPDATE (clip_stored) ON job TO tributary_app;
