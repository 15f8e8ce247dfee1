"""Settings become a running cluster, and how others on the machine talk to it."""
