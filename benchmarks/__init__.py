"""How fast it is, measured side by side with what people would do without it: `python3 dev.py bench`."""
