"""storage: TO BE SAID IN ONE SENTENCE."""
