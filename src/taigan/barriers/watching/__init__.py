"""From a device's raw signals to the picture of a lane."""
