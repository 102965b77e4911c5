"""Spec to sample i; datasets in memory and on disk. A sample is a pure function of (spec, seed, index)."""
