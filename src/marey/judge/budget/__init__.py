"""The error budget: how much of a model's error is the ruler's, the tokenizer's and the dynamics'."""
