"""The ways to devices that several kinds of barriers share."""
