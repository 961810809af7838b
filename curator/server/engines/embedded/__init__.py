"""embedded: how is a Llama model trained and decoded with NumPy alone? May use the files beside it in engines."""
