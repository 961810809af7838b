"""basemodels: which base models are on this machine, and what are their weights, tokenizer and chat template?
Uses core."""
