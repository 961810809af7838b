"""basemodels: TO BE SAID IN ONE SENTENCE."""
