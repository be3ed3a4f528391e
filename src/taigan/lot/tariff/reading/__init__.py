"""From a file or a request to a price list that can be relied on, or to words that say what is wrong with it."""
