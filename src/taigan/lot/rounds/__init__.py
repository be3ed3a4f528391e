"""What time alone brings about: waits that end, rounds at BoLink, what is too old."""
