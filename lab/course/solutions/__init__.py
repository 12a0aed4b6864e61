"""Reference solutions, one file for each notebook: the text of its exercise cell."""
