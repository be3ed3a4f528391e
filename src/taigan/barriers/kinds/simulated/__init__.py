"""The simulated lanes: what is spoken with them, and the driver by their name."""
