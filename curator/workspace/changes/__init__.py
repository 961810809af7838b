"""What do people do to examples? Each method is one durable Change. Uses analysis, duplicates and storage."""
