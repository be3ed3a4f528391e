"""The document's chapters, 2 to 11, a module each."""
