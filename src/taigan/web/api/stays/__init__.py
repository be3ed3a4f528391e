"""Orders, and what a person does about the stays in them."""
