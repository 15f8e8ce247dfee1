"""Settings become a running cluster; the order of start and stop stands here."""
