"""One module per kind of barrier."""
