"""A recalculation for every slot."""
