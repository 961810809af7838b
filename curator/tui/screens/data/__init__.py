"""The Data stage: how are examples found, read, reviewed and changed? May use widgets, the shell and below."""
