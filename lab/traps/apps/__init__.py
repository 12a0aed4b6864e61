"""Applications that the traps run on a real server."""
