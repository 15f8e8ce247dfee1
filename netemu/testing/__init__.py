"""netemu for test suites: an instance that lives as long as a `with` block.

with instance() as cluster:
    cluster.apply(MANIFEST)
    cluster.wait_for(lambda: cluster.get("deployment", "web")["status"].get("availableReplicas"))
    assert cluster.exec("curl", "-s", "http://web").stdout == "hello"
"""

from netemu.testing.instance import Instance, TimedOut, instance

__all__ = ["Instance", "TimedOut", "instance"]
