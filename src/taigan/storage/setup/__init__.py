"""What is set up rather than what happens."""
