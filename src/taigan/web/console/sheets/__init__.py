"""Files that are handed out and taken in."""
