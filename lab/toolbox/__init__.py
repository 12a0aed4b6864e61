"""Files to copy into an application; they import nothing else of the lab."""
