"""What was committed, reported to the log, to Prometheus and to traces."""
