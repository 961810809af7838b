"""What do people's own rules find? A process of its own for each file of rules, so that none can stop a check."""
