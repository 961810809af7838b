"""checks: TO BE SAID IN ONE SENTENCE."""
