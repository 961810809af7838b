"""Which examples does a query choose, in which order? Uses analysis and storage."""
