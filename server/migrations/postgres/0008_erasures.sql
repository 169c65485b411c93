-- Results that somebody of the account wants deleted before their time: nobody sees them from now on. The row goes with
-- the files, when `job.forgotten` says the same; the job's row and its money stay.

CREATE TABLE erasure (
  account_id uuid   NOT NULL,
  job_id     uuid   NOT NULL,
  asked_at   bigint NOT NULL,
  PRIMARY KEY (account_id, job_id),
  FOREIGN KEY (account_id, job_id) REFERENCES job (account_id, id)
);

ALTER TABLE erasure ENABLE ROW LEVEL SECURITY;
ALTER TABLE erasure FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON erasure TO tributary_app USING (account_id = (SELECT current_account()));
CREATE POLICY every ON erasure TO tributary_scheduler USING (true);
GRANT SELECT ON erasure TO tributary_app, tributary_scheduler;
GRANT INSERT ON erasure TO tributary_app;
GRANT DELETE ON erasure TO tributary_scheduler;
