"""Stand-ins for hardware. They know nobody and meet the others over the wire."""


class DeviceError(Exception):
    """A stand-in cannot do what was asked. The text says why, for a person."""
