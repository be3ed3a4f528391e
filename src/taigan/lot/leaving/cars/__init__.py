"""The cars in the exit lanes: who stands there, is released, has gone."""
