"""Address ranges of one and of two address families."""

from netemu.config.settings import IpFamily, NetMode, NetworkSettings
from netemu.fabric.ranges import addressing
from netemu.model.addressing import Addressing


def of(*families: IpFamily) -> Addressing:
    """What a cluster with these families has, the primary one first."""
    return addressing(NetMode.ROOT, NetworkSettings(ip_families=families), 2, 77)


IPV4 = of(IpFamily.IPV4)
IPV6 = of(IpFamily.IPV6)
BOTH = of(IpFamily.IPV4, IpFamily.IPV6)
IPV6_FIRST = of(IpFamily.IPV6, IpFamily.IPV4)
