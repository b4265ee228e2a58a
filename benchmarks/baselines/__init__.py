"""What is measured against: each the few lines that somebody would write without Ostinato, and written well."""
