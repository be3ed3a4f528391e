"""What persons look at: read without a lock, decided by nobody."""
