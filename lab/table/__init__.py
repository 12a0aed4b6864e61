"""The lesson's table: its scenarios, their measurement, and a verdict on each claim."""
