"""Memory budgets: limits that a project sets for its own memory, checked on every commit."""
