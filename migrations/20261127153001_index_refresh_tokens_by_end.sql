-- Used tokens of a session that lives on are forgotten once they have expired.
CREATE INDEX refresh_tokens_by_end ON refresh_tokens (expires_at);
