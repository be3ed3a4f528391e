"""What BoLink says to the lot: verified, told apart, answered."""
