"""changes: TO BE SAID IN ONE SENTENCE."""
