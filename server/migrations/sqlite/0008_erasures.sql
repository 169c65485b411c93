-- Results that somebody of the account wants deleted before their time: nobody sees them from now on. The row goes with
-- the files, when `job.forgotten` says the same; the job's row and its money stay.

CREATE TABLE erasure (
  account_id BLOB    NOT NULL,
  job_id     BLOB    NOT NULL,
  asked_at   INTEGER NOT NULL,
  PRIMARY KEY (account_id, job_id),
  FOREIGN KEY (account_id, job_id) REFERENCES job (account_id, id)
) STRICT;
