"""Who works at the lots, and how they prove it."""
