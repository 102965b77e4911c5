"""Renders motion to video, learns it from pixels, and measures what was learned."""
