"""What do small models of one's own tell of the data? Trials and influences, on the embedded engine."""
