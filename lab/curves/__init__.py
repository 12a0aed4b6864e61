"""Findings about measured curves: growth, verdicts, lines that grew; no meter, no process."""
