"""Video to indices and back: a causal 3D-convolutional encoder, a quantizer, a decoder."""
