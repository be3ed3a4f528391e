"""A lot inside a test: its platform, its barriers, the cars that leave, its price lists."""
