"""Which rules are there? One module for each family of rules; uses the registry and the subject below it."""
