"""Read and written with the lot locked: what rules must know before they decide."""
