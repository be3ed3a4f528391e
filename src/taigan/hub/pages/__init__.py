"""What drivers see."""
