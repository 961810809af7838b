"""What do rules, token counter and list know of each example, and what of it is of its current version? Uses
storage."""
