"""Looks at a running installation as a person would who was called to it, and says what is well and what to do.

Nothing is changed: the database is read beside the processes that serve from it, the platform is asked over its own
HTTP, and its callback address is sent a message that it must refuse.
"""
