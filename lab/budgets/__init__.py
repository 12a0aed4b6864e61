"""Memory budgets: what a project promises about its memory, checked on every commit."""
