"""How the lot writes down: in one commit for all who wait, how long ago, and where crash tests end it."""
