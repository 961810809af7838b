"""Dialogs of studies, and what they await of the local server."""
