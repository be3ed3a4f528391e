"""One try at one case: what it sends, what it can look at, and what all tries of a run share."""
