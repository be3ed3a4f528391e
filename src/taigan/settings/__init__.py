"""The settings: what can be set, how it is read, what is said of a wrong one, and the file to begin with."""
