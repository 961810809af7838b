"""How does a provider's name become an open client, and does the provider work? May use `http` and below."""
