"""Functions of the operating system and the Python interpreter."""
