"""What does a query mean? The query language as a tree; uses rules and the ground floor, evaluates nothing
stored."""
