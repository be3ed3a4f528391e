"""The interfaces as data: the catalogue, and what people are told of them."""
