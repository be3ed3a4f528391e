"""Whole programs, put together: both sides in one loop, or processes as a user starts them, with their devices."""
