"""Money, as lots and drivers bring it about, and what becomes of it."""
