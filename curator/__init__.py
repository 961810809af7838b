"""Curator: the terminal program for the whole fine-tuning loop."""

__version__ = "0.1.0"
