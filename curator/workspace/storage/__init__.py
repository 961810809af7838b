"""What is in the workspace folder, and how is it opened and written safely? Uses records and meter only."""
