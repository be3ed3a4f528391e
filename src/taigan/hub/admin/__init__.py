"""What the person at the hub sees and sets."""
