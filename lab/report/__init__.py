"""Output that features share: the terminal, SVG, JSON and files."""
