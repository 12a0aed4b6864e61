"""Times of every variant, by pytest-benchmark; memory is what `lab curve` measures."""
