"""How Ostinato runs: the Celery application, its schedule, the embedded broker and the command line."""
