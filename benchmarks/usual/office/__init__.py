"""The office, by the book: Django with its admin over the same rows, and a report by its ORM.

Helped where that is fair: connections are kept, the list holds as many rows as ours and asks for no second count, the
states to choose from are written down, and the bill of each stay is looked up by its key.
"""
