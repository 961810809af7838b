"""Owns the workspace folder: import, store, analyse, history, export."""
