"""What do the answers of an evaluation amount to: misses, luck of the best, a judge's verdicts? May use `runs`."""
