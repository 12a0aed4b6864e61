"""Measurements in fresh processes: workloads, witnesses, schedules, sweeps and memory caps."""
