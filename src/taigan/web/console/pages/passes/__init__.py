"""Passes, one and many."""
