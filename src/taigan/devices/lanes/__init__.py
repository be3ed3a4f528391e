"""The simulated lanes: loops, arms, cameras and cars, and the file that keeps what they did."""
