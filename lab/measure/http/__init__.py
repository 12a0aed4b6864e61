"""Endpoints as workloads: a server in the measured process, its clients in another."""
