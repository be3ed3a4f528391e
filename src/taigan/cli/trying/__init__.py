"""Commands that need no installation: interfaces, signatures, price lists tried out, and others' platforms judged."""
