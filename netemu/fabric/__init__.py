"""Namespaces, links, addresses and routes; and sockets on the host's side."""
