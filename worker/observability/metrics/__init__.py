"""What the worker counts and measures, and how a Prometheus server gets it."""
