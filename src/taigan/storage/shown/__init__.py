"""Lists for those who look, newest first and without a lock."""
