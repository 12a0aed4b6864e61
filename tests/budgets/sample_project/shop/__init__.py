"""A shop that exports its orders: somebody's project, with a memory budget in its CI."""
