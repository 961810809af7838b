"""search: TO BE SAID IN ONE SENTENCE."""
