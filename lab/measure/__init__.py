"""Witnesses, the fresh process, sweeps; growth and verdicts as pure arithmetic."""
