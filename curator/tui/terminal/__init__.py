"""terminal: TO BE SAID IN ONE SENTENCE."""
