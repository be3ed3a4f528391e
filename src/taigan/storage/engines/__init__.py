"""The two engines, and what each needs around a transaction."""
