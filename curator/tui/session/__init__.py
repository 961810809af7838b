"""session: TO BE SAID IN ONE SENTENCE."""
