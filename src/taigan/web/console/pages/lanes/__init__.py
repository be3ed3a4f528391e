"""The lanes of a lot: the cars, arms and devices there, and what needs a person."""
