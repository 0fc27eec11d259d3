-- Which password the row holds, so that each decided change is put in force once and in its order.
ALTER TABLE accounts ADD COLUMN credential_id uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000';
