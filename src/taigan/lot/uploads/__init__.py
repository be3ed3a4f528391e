"""What the lot says to BoLink."""
