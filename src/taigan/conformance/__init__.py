"""Plays BoLink against a lot platform, whoever wrote it and in whatever language, and reports what it gets wrong.

It meets the platform over HTTP and nowhere else, and knows the protocol (`taigan.bolink`) and nothing of taigan's own
sides.
"""
