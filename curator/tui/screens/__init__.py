"""screens: TO BE SAID IN ONE SENTENCE."""
