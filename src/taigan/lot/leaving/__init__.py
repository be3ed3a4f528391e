"""The desk of the exit: who stands there, what is owed, released, gone."""
