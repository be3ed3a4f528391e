"""How a lot begins: with the cars that stand in it, or with an invented week."""
