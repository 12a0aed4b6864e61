"""Tests of lab.measure."""
