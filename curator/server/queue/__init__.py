"""queue: which job is validated or trained next, and how are the child processes started and followed? Uses the
store."""
