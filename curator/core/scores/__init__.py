"""How good are answers and training runs? Metrics, the verdict on curves, charts as text; uses no other core
room."""
