-- Verifying must leave the second generation alone, and a switch needs a place to put one table while two change places.
CREATE SCHEMA scratch AUTHORIZATION polikrami_service;

COMMENT ON SCHEMA scratch IS 'read models while they are verified; empty otherwise';
COMMENT ON SCHEMA shadow IS 'second generations of read models: being built, built, or kept from before a switch';
