"""Which colours and styles does the UI have, and when is a text laid out anew? May use `core`."""
