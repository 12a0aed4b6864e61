"""Load tests of real servers: Locust users in separate processes, servers under a memory cap."""
