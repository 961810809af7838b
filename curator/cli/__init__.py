"""The headless front: one command a file."""
