"""Questions and answers; reading never waits for the writer and cannot change its data."""
