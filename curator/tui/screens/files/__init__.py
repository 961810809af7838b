"""How do examples come in from files and go out to them? Four dialogs; may use widgets, the shell and below."""
