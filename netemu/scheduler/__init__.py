"""Which node a pod runs on: filter and score, pure."""
