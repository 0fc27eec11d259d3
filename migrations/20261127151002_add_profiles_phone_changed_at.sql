-- A proof that comes into force late must not undo what the person wrote since.
ALTER TABLE profiles ADD COLUMN phone_changed_at timestamptz;
