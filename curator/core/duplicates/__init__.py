"""Which examples copy or contradict each other? By value, by normal form, or near copies verified pair by pair.

Uses core's ground floor only. `texts`, `hashes` and `disjoint_sets` load fast; all other modules need NumPy,
most of them rapidfuzz, so callers import them late.
"""
