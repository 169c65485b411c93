-- What a widget's maker chose once for all visitors. That a job comes by a widget of its own account, the key of 0009 says.

-- JSON with names in their order: "settings" are values of the model's controls, "stems" are names; what is not there,
-- visitors choose. As text, which stays as it was written. Rights: as for the whole row, read and written once.
ALTER TABLE widget ADD COLUMN fixed text NOT NULL DEFAULT '{}'
  CHECK (jsonb_typeof(fixed::jsonb) = 'object' AND length(fixed) <= 32768);
