"""What every stage tells: what runs, what is next in the loop, and the tour through it."""
