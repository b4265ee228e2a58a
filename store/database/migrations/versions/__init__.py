"""One module per revision, each a step from the one before."""
