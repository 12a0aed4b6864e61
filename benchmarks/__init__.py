"""Compare every variant with the fastest tool for its job: time, memory, and growth of cost."""
