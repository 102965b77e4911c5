"""Frozen guest encoders: video to features, one file each. Nothing here is trained, and nothing is scored."""
