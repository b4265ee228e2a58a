"""What was applied, in order: read, pruned, applied again, compared."""
