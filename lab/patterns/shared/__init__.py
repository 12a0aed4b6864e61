"""Parts that several patterns use, or that would hide the lesson in its file."""
