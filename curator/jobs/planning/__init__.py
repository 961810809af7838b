"""planning: TO BE SAID IN ONE SENTENCE."""
