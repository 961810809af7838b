"""Which stages and dialogs are there? One folder a stage; they may use widgets and the shell, not each other."""
