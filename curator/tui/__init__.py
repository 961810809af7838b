"""The terminal UI: how does a person work on one dataset? May use `jobs`, `workspace` and `core`."""
