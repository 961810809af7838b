"""Which examples are for training and which for validation? May use widgets, the shell and below."""
