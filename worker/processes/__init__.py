"""What `ostinato up` runs and restarts; no process outlives it."""
