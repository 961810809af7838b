"""What does a stage or dialog show, worked out without a widget? May use `session` and below, but no Textual."""
