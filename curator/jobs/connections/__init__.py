"""connections: TO BE SAID IN ONE SENTENCE."""
