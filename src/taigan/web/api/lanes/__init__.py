"""The lots and their lanes: what happens there, and who sees to it."""
