"""What some days came to, to look at and to take away."""
