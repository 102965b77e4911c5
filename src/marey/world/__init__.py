"""Laws of motion, the factors that vary, the camera, the renderer, and the words of a sample."""
