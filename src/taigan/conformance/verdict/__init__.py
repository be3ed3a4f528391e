"""What the outcomes of the cases mean when they are taken together."""
