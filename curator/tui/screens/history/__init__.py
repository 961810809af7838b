"""What was changed and trained, and how do versions differ? May use widgets, the shell and below."""
