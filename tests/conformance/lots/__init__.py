"""Lots that are broken on purpose, each in one way: `reddens` names the cases that must see it."""
