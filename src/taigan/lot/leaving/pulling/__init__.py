"""Payments that the lot takes by itself at an exit: begun, ended, or unclear."""
