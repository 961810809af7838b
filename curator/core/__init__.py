"""What can be computed from examples alone: values in, values out, without files, clock, network or terminal.

Uses only `curator.errors`. The contracts in pyproject.toml order its sub-rooms.
"""
