"""What a stay costs: price lists as data, an exact price with its slices, pictures of both. Nothing of taigan in it."""
