"""Where the kit and the platform meet: what the kit sends to, and what sees the uploads."""
