"""server: trains on this machine and answers with what it trained, behind OpenAI's HTTP API; may use base
models and core."""
