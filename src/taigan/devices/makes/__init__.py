"""The emulated devices, a file for each make."""
