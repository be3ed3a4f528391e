"""The barriers: one small protocol (`barrier`), one module per kind of device."""
