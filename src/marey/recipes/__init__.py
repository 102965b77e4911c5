"""Assembled runs: which world, which tokenizer, which dynamics, which judge."""
