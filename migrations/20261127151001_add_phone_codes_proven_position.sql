-- Which proof is the later one is what the journal says, also after the number has gone from the profile again.
ALTER TABLE phone_codes ADD COLUMN proven_position bigint;
CREATE INDEX phone_codes_proven_by_phone ON phone_codes (phone) WHERE proven_position IS NOT NULL;
