"""examples: TO BE SAID IN ONE SENTENCE."""
