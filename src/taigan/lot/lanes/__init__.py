"""The lanes: their barriers, and what drives through them."""
