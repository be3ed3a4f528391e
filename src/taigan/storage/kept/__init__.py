"""What is kept beside the orders, for how long, and of whom."""
