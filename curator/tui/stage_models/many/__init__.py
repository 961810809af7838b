"""What is worked out over many examples at once: what they consist of, and what is found and replaced in them."""
