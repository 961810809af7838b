"""Which of some examples are copies, and how are they split so that none leaks? Uses meter and core, no
workspace."""
