"""Which law moved a body: every law fitted to its track through the camera, and the choice among them."""
