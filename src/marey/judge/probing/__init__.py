"""Do frozen encoders help? Features, probes, controls, statistics and a verdict in words."""
