"""What networks are on this machine (cards), and what they run on (runtime)."""
