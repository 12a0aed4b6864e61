"""Every variant beside the fastest tool for its job: time, memory, and how cost grows."""
