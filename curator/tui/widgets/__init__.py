"""Of which widgets do screens consist? One a file; they may use the shell and all below it, but no screen."""
