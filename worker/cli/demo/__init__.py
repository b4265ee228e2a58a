"""`ostinato demo`: a real broker, a worker and four producers, with messages of a real linter."""
