"""What stays cost, and what they come to."""
