"""Tests of lab/data."""
