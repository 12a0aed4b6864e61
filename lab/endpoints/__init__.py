"""Shared parts of the patterns' endpoints: routes, tokens, uploads."""
