"""Servers that the code under test meets, and the lines to them, which a test may cut."""
