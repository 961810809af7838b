"""answers: TO BE SAID IN ONE SENTENCE."""
