"""Duplicates: equal by value, equal after normalising, and near copies verified pair by pair.

`texts` and `hashes` are light; `finder` needs NumPy and rapidfuzz and is imported where it is used.
"""
