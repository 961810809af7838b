"""What does each `curator COMMAND` do? One command a file; may use `jobs`, `workspace`, `core` and the leaves."""
