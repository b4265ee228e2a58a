"""What messages mean, as pure functions: identity of contents, pattern, scoring, trajectory."""
