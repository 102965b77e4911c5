"""One transformer over tokens, for which every task is a mask: what is given, what is hidden."""
