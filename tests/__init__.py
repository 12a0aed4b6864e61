"""The suite: facts about the lab, each proved by running it."""
