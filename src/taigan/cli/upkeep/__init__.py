"""Commands that begin an installation, look after it and change who may use it."""
