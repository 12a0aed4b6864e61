"""How an answer to an exercise is checked, in fresh processes."""
