"""dataset: TO BE SAID IN ONE SENTENCE."""
