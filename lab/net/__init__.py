"""HTTP on this machine: a client, listening sockets, and servers in child processes."""
