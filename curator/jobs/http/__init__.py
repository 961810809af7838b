"""How is a provider asked: one client, its guards, its errors and answers? May use `providers` and `keys`."""
