"""Which Kubernetes netemu serves."""

MINOR = 32
"""Clients pick their behaviour by it; kubectl warns when it is more than one away from its own."""
KUBERNETES = f"v1.{MINOR}.0"
GIT_VERSION = f"{KUBERNETES}+netemu"
"""What /version and nodes say."""
