"""What the lot tells those who watch it: live steps and counts."""
