"""`ostinato demo`: a broker, a worker and four producers, with messages about a real linter's findings."""
