"""How is a training started and followed, and what became of each? May use widgets, the shell and below."""
