"""What every screen may tell: what goes on in the background, what was said, and the step of the tour."""
