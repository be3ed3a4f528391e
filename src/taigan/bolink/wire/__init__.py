"""What goes over the wire, and by which way: bodies, signatures, texts and their messages."""
