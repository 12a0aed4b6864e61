"""Tests of the files to copy into an application."""
