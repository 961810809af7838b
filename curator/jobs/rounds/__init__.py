"""What did each training change in the data, and what came of it? May use `runs` and below."""
