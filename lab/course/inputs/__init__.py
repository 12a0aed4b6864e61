"""Inputs of the exercises, made for each check from a size and a salt."""
