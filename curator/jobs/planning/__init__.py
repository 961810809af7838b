"""What is known before a job is submitted, and what speaks against it? May use `ledger` and `connections`."""
