"""history: TO BE SAID IN ONE SENTENCE."""
