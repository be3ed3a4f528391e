"""What a stay costs, what was paid for it, and what is told afterwards."""
