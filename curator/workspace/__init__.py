"""What is in a dataset, what is known of it, and how does it change? Uses core, base models and the leaves."""
