"""What comes into a workspace from files and goes out to them? Uses all rooms up to `workspace`."""
