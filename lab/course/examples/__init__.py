"""Functions that the notebooks measure."""
