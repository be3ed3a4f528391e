"""What BoLink is asked to do, and what became of it."""
