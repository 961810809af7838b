"""How do base and tuned model answer the same held-out prompts? May use widgets, the shell and below."""
