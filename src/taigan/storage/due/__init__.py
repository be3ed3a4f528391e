"""Work that waits for its time, and whose turn it is."""
