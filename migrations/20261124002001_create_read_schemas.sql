-- Read models are disposable: the service owns them, so that it may build one anew in `shadow` and swap it in.
CREATE SCHEMA read AUTHORIZATION polikrami_service;
CREATE SCHEMA shadow AUTHORIZATION polikrami_service;

COMMENT ON SCHEMA read IS 'what queries read; every row follows from the journal';
COMMENT ON SCHEMA shadow IS 'read models while they are rebuilt or verified';
