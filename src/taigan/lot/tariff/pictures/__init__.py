"""What people look at: a price list in words, as a board to print, and as a curve."""
