"""What may be asked of the store."""
