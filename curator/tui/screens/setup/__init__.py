"""How are settings, providers, keys and the theme chosen? Dialogs; may use widgets, the shell and below."""
