"""Messages about those who drive: their vehicles, passes and phones."""
