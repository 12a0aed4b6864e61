"""Load on real servers: Locust's users in processes of their own, and servers under a cap."""
