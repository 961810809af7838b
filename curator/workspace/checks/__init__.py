"""What do `check`, `fix` and `stats` say of a file or workspace? Uses everything else in the workspace room."""
