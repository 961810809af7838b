"""The local OpenAI-compatible server and trainer, a program of its own."""
