"""Fixtures of all tests of the API."""

from tests.support.api import api_server, client, cluster, credentials
from tests.support.kubectl import kubectl

__all__ = ["api_server", "client", "cluster", "credentials", "kubectl"]
