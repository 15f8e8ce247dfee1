import pytest

from netemu.dns.world import World, nameservers

RESOLV_CONF = """
# nameserver 10.0.0.1
search example.org
nameserver 192.0.2.1
nameserver fe80::1%eth0
nameserver
nameserver nonsense
nameserver 192.0.2.1
options ndots:5
"""


def test_servers_are_read_from_resolv_conf() -> None:
    assert nameservers(RESOLV_CONF) == (("192.0.2.1", 53), ("fe80::1%eth0", 53))


def test_without_a_machine_there_are_no_files() -> None:
    with pytest.raises(OSError, match="No such file"):
        World().read("/etc/hosts")
