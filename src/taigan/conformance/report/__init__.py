"""What a run leaves behind: `report.json` for machines, `report.html` for people, JUnit's XML for CI, a badge, and
every byte.
"""
