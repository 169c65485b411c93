-- Widgets: one service of an account on pages of others, in a frame. Its visitors are nobody's members; what they start is
-- the account's job and says which widget it came by.

CREATE TABLE widget (
  account_id  BLOB    NOT NULL REFERENCES account (id),
  id          BLOB    NOT NULL UNIQUE CHECK (length(id) = 16),
  name        TEXT    NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
  -- In plain text: it stands in the HTML of every page that shows the widget, and is no secret.
  token       TEXT    NOT NULL UNIQUE CHECK (length(token) = 43),
  model       TEXT    NOT NULL CHECK (length(model) >= 1),
  -- Origins that may show it, a space between them.
  origins     TEXT    NOT NULL CHECK (length(origins) BETWEEN 1 AND 2500),
  -- Credits that its jobs may hold and take in one calendar month (UTC).
  month_limit INTEGER NOT NULL CHECK (month_limit BETWEEN 1 AND 9007199254740992),
  created_at  INTEGER NOT NULL,
  created_by  BLOB    REFERENCES person (id),
  revoked_at  INTEGER,
  PRIMARY KEY (account_id, id)
) STRICT, WITHOUT ROWID;

-- By which widget a job came; none where a member or a key asked.
ALTER TABLE job ADD COLUMN widget_id BLOB REFERENCES widget (id);
-- The hash of what its visitor alone knows.
ALTER TABLE job ADD COLUMN visitor_sha256 BLOB
  CHECK ((visitor_sha256 IS NULL) = (widget_id IS NULL) AND (visitor_sha256 IS NULL OR length(visitor_sha256) = 32));
CREATE UNIQUE INDEX job_of_visitor ON job (account_id, widget_id, visitor_sha256) WHERE widget_id IS NOT NULL;
CREATE INDEX job_of_widget ON job (account_id, widget_id, created_at) WHERE widget_id IS NOT NULL;
