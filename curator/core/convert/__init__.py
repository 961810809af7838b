"""Which example does a record of another shape become, and an example in another shape? Uses the nouns of core."""
