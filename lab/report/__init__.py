"""What was measured, for people and for programs: terminal, SVG, HTML, JSON, the README's parts."""
