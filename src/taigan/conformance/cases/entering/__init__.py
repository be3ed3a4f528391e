"""A driver without a plate comes in: by the code of a lane, and by the code to a phone."""
