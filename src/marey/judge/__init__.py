"""What was learned: tracker, law fit, shortcut gate, baselines and the trials that measure a model."""
