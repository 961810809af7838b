"""What is asked of providers: keys, training jobs, answers? May use `workspace`; the only importer of `openai`."""
