"""What is measured against: each is the few lines that one would write without Ostinato, written well."""
