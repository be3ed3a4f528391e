"""臻识 Vzenith cameras: what they say and understand, and the two ways to speak with them."""
