"""One stage or dialog a file."""
