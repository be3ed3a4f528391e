"""What lots upload, by chapter."""
