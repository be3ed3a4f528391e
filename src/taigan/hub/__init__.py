"""BoLink's side (泊链): stands in for it on one machine, with drivers' phone pages, pushes, uploads and faults.

Meets the lot platform over HTTP only and keeps a database of its own.
"""
