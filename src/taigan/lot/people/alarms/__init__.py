"""Alarms: who sees to them, and where they are told."""
