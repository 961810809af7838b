"""What is in a dataset file as it lies on the disk? Uses core alone; one line splitter serves all readers."""
