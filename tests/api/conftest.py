"""Fixtures of all tests of the API."""

from tests.support.api import api_server, cluster, credentials

__all__ = ["api_server", "cluster", "credentials"]
