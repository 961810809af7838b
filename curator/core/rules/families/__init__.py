"""families: TO BE SAID IN ONE SENTENCE."""
