"""Which examples are copies or contradict each other, and which stay? May use widgets, the shell and below."""
