"""The interactive page: pure functions (request -> answer), a loopback server around them, one page of its own."""
