"""Measure how settings of a server change its memory, for docs/production.md."""
