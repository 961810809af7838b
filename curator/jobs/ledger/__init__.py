"""ledger: TO BE SAID IN ONE SENTENCE."""
