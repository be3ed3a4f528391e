"""Stays, found and looked at, with their pictures."""
