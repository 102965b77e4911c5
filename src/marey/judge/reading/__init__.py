"""What was seen, in full: laws with error bars, equations, positions in space."""
