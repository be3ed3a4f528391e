"""Databases for tests: servers of our own, empty ones on each engine, in the state a test needs, and in trouble."""
