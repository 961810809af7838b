"""children: what do the three programs do that the server starts as processes? May use engines, neither HTTP
nor store."""
