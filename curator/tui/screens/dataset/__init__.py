"""Which answers does the dataset allow, and what does it consist of? May use widgets, the shell and below."""
