"""Both sides and the street, started together and shown on one page, over their public interfaces only."""
