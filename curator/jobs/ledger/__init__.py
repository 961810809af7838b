"""What was asked of providers and what came of it, as stored in `runs.db`? May use `http` and below."""
