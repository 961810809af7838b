"""What did a training do to everything beside its task? May use `runs` and below."""
