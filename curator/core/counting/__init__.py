"""counting: TO BE SAID IN ONE SENTENCE."""
