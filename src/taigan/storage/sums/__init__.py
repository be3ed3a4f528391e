"""What lots take in, and what a day comes to."""
