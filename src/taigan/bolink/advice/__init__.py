"""What to tell a person whose messages are refused, or taken although something is wrong with them."""
