"""The node agent: pods become processes, are probed, logged, restarted and stopped."""
