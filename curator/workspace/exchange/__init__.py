"""exchange: TO BE SAID IN ONE SENTENCE."""
