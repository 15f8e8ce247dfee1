"""netemu for test suites."""
