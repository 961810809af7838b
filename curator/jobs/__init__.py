"""Waits for providers: submit, monitor, evaluate, budget. The only importer of openai."""
