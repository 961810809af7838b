"""children: TO BE SAID IN ONE SENTENCE."""
