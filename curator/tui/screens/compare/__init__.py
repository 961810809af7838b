"""compare: TO BE SAID IN ONE SENTENCE."""
