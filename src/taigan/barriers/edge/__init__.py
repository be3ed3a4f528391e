"""Lanes whose devices stand behind an edge in the lot."""
