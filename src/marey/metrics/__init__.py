"""Rulers: pure functions, arrays in, one number per sample out; and the figure that a number becomes."""
