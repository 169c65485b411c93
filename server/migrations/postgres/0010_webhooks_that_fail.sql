-- A job that expires is told of, too. An endpoint where nothing is taken any more is switched off.

-- Who made it, and so who is told when it is switched off; none for keys of nobody.
ALTER TABLE webhook ADD COLUMN person_id uuid REFERENCES person (id);
-- The first try that failed since something was taken there.
ALTER TABLE webhook ADD COLUMN failing_since bigint;
-- Switched off since, and why. Ends of jobs are not kept for it.
ALTER TABLE webhook ADD COLUMN disabled_at bigint;
ALTER TABLE webhook ADD COLUMN disabled_reason text CHECK ((disabled_at IS NULL) = (disabled_reason IS NULL));

ALTER TABLE webhook_delivery DROP CONSTRAINT webhook_delivery_event_check;
ALTER TABLE webhook_delivery ADD CONSTRAINT webhook_delivery_event_check
  CHECK (event IN ('job.done', 'job.failed', 'job.cancelled', 'job.expired', 'test'));

GRANT SELECT (person_id, failing_since, disabled_at, disabled_reason) ON webhook TO tributary_app;
-- An account switches its endpoints on again; who sends switches them off.
GRANT UPDATE (failing_since, disabled_at, disabled_reason) ON webhook TO tributary_app, tributary_scheduler;
