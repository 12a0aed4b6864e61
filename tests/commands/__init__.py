"""Tests of lab/commands."""
