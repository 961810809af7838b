"""engines: how are models trained and answers decoded, with NumPy or with torch? May use base models and core."""
