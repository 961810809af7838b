"""duplicates: TO BE SAID IN ONE SENTENCE."""
