"""Who works here: how they sign in, what they may, what they did, what they keep for themselves."""
