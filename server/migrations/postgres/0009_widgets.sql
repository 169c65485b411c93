-- Widgets: one service of an account on pages of others, in a frame. Its visitors are nobody's members; what they start is
-- the account's job and says which widget it came by.

CREATE TABLE widget (
  account_id  uuid   NOT NULL REFERENCES account (id),
  id          uuid   NOT NULL UNIQUE,
  name        text   NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
  -- In plain text: it stands in the HTML of every page that shows the widget, and is no secret.
  token       text   NOT NULL UNIQUE CHECK (length(token) = 43),
  model       text   NOT NULL CHECK (length(model) >= 1),
  -- Origins that may show it, a space between them.
  origins     text   NOT NULL CHECK (length(origins) BETWEEN 1 AND 2500),
  -- Credits that its jobs may hold and take in one calendar month (UTC).
  month_limit bigint NOT NULL CHECK (month_limit BETWEEN 1 AND 9007199254740992),
  created_at  bigint NOT NULL,
  created_by  uuid   REFERENCES person (id),
  revoked_at  bigint,
  PRIMARY KEY (account_id, id)
);

-- By which widget a job came; none where a member or a key asked.
ALTER TABLE job ADD COLUMN widget_id uuid;
-- The hash of what its visitor alone knows.
ALTER TABLE job ADD COLUMN visitor_sha256 bytea
  CHECK ((visitor_sha256 IS NULL) = (widget_id IS NULL) AND (visitor_sha256 IS NULL OR length(visitor_sha256) = 32));
-- An account's own widget, whatever a statement says.
ALTER TABLE job ADD FOREIGN KEY (account_id, widget_id) REFERENCES widget (account_id, id);
CREATE UNIQUE INDEX job_of_visitor ON job (account_id, widget_id, visitor_sha256) WHERE widget_id IS NOT NULL;
CREATE INDEX job_of_widget ON job (account_id, widget_id, created_at) WHERE widget_id IS NOT NULL;

ALTER TABLE widget ENABLE ROW LEVEL SECURITY;
ALTER TABLE widget FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON widget TO tributary_app USING (account_id = (SELECT current_account()));
-- A token is looked up before it is known whose it is.
CREATE POLICY every ON widget TO tributary_scheduler USING (true);
-- What a widget may is said once; all that can happen to it is its end.
GRANT SELECT, INSERT ON widget TO tributary_app;
GRANT UPDATE (revoked_at) ON widget TO tributary_app;
GRANT SELECT ON widget TO tributary_scheduler;
