"""analysis: TO BE SAID IN ONE SENTENCE."""
