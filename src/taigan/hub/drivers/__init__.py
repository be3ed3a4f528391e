"""Drivers, the lanes' codes, and what a scan leads to."""
