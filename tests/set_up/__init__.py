"""Tests of set_up."""
