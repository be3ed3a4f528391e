"""What stays cost, what was taken for them, and by whom."""
