"""Do two texts that look alike mean the same? Words, code and slips of the pen; uses nothing else of core."""
