"""scores: TO BE SAID IN ONE SENTENCE."""
