"""routes: TO BE SAID IN ONE SENTENCE."""
