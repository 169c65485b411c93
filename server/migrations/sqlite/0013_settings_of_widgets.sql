-- What a widget's maker chose once for all visitors. And a job comes by a widget of its own account, whatever a statement says.

-- JSON with names in their order: "settings" are values of the model's controls, "stems" are names; what is not there,
-- visitors choose.
ALTER TABLE widget ADD COLUMN fixed TEXT NOT NULL DEFAULT '{}'
  CHECK (json_valid(fixed) AND json_type(fixed) = 'object' AND length(fixed) <= 32768);

-- A foreign key of a table that is there can only be changed by making the table anew, and half of all tables refer to this
-- one. What PostgreSQL's key says of account and widget together, triggers say here.
CREATE TRIGGER job_comes_by_a_widget_of_its_account BEFORE INSERT ON job
WHEN NEW.widget_id IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM widget WHERE account_id = NEW.account_id AND id = NEW.widget_id)
BEGIN SELECT RAISE(ABORT, 'a job comes by a widget of its own account'); END;
CREATE TRIGGER job_stays_with_a_widget_of_its_account BEFORE UPDATE OF account_id, widget_id ON job
WHEN NEW.widget_id IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM widget WHERE account_id = NEW.account_id AND id = NEW.widget_id)
BEGIN SELECT RAISE(ABORT, 'a job comes by a widget of its own account'); END;
CREATE TRIGGER widget_stays_with_its_account BEFORE UPDATE OF account_id ON widget
WHEN NEW.account_id <> OLD.account_id
BEGIN SELECT RAISE(ABORT, 'a widget stays with its account'); END;
