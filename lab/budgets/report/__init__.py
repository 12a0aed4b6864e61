"""Reports of `lab check`: terminal, JSON, GitHub Actions, JUnit XML."""
