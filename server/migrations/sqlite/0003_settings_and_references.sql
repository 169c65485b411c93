-- What a job was told beside its clip: the values of the model's controls, and clips the result shall be made like.

ALTER TABLE job ADD COLUMN settings TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(settings));
-- The job's own clip is an artifact; a job with references may wait for more. Of use while it is uploading.
ALTER TABLE job ADD COLUMN clip_stored INTEGER NOT NULL DEFAULT 0 CHECK (clip_stored IN (0, 1));

CREATE TABLE job_reference (
  account_id BLOB    NOT NULL,
  job_id     BLOB    NOT NULL,
  place      INTEGER NOT NULL CHECK (place >= 0),
  sha256     BLOB    NOT NULL CHECK (length(sha256) = 32),
  frames     INTEGER NOT NULL CHECK (frames >= 0),
  channels   INTEGER NOT NULL CHECK (channels >= 0),
  rate_hz    INTEGER NOT NULL CHECK (rate_hz >= 0),
  stored     INTEGER NOT NULL DEFAULT 0 CHECK (stored IN (0, 1)),
  PRIMARY KEY (account_id, job_id, place),
  FOREIGN KEY (account_id, job_id) REFERENCES job (account_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX job_reference_content ON job_reference (account_id, sha256);
