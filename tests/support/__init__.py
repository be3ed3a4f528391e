"""What the tests run against: real servers, real processes, a real browser."""
