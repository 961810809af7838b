"""stage_models: TO BE SAID IN ONE SENTENCE."""
