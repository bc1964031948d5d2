"""Where every frame of a clip lies: coarse search, local registration, and the whole sequence at once."""
