-- Support asks "what else happened because of this request?"; one probe instead of a scan of the journal.
CREATE INDEX events_by_correlation ON events ((metadata ->> 'correlation_id'));
