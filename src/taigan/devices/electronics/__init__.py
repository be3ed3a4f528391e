"""What emulated devices have in common: the wires, the sign-in, the screen."""
