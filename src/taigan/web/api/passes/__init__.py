"""Who leaves without paying, and who is not let in."""
