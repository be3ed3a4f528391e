"""The ways to a driver's phone: one file for each company that carries a message there."""
