"""What does a model write on request: new examples in the style of those that are there? Uses runs."""
