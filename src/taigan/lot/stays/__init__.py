"""Orders and what can happen to them: pure, over records and changes."""
