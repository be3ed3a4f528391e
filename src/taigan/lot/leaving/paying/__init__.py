"""What a stay costs, what makes it cheaper, and what was paid for it."""
