"""http: who may ask, what did a request bring, and how is it answered? May use the store."""
