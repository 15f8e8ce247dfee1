"""The Corefile that the settings stand for: kubeadm's, with what was set put in.

There is one way into the server, its Corefile; so what the settings mean can be read, and edited
in the cluster as the ConfigMap ``kube-system/coredns``.
"""

from collections.abc import Iterator

from netemu.config.settings import DnsSettings

ORDERS = {"random": "round_robin", "rotate": "rotate"}
"""What CoreDNS calls the orders of our settings."""


def corefile_of(settings: DnsSettings) -> str:
    """The text of it."""
    return "\n".join([".:53 {", *(f"    {line}" for line in _lines(settings)), "}", ""])


def _lines(settings: DnsSettings) -> Iterator[str]:
    yield "errors"
    yield from ("health {", "    lameduck 5s", "}", "ready")
    for name, ttl in settings.ttls.items():
        yield f"rewrite continue ttl exact {name} {ttl}"
        yield f"rewrite continue ttl suffix .{name} {ttl}"
    if settings.autopath:
        yield "autopath @kubernetes"
    if settings.transfer:
        yield from (f"transfer {settings.zone} in-addr.arpa ip6.arpa {{", _to(settings), "}")
    if settings.hosts:
        yield "hosts /dev/null {"
        for name, addresses in settings.hosts.items():
            yield from (f"    {address} {name}" for address in addresses.split())
        yield from (f"    ttl {settings.ttl}", "    fallthrough", "}")
    yield f"kubernetes {settings.zone} in-addr.arpa ip6.arpa {{"
    yield f"    pods {settings.pods}"
    yield from ("    fallthrough in-addr.arpa ip6.arpa", f"    ttl {settings.ttl}", "}")
    yield "prometheus :9153"
    for domain, servers in settings.stub_domains.items():
        yield from _forward(domain, servers, settings)
    if settings.forward:
        yield from _forward(".", settings.forward, settings)
    if settings.cache:
        yield f"cache {settings.cache} {{"
        yield from (f"    disable success {settings.zone}", f"    disable denial {settings.zone}")
        yield "}"
    yield from ("loop", "reload")
    if settings.order != "keep":
        seed = "" if settings.seed is None else f" {settings.seed}"
        yield f"loadbalance {'random' + seed if seed else ORDERS[settings.order]}"


def _to(settings: DnsSettings) -> str:
    return f"    to {' '.join(settings.transfer.split())}"


def _forward(domain: str, servers: str, settings: DnsSettings) -> Iterator[str]:
    yield f"forward {domain} {' '.join(servers.split())} {{"
    yield from (
        f"    max_concurrent {settings.max_concurrent}",
        f"    policy {settings.policy}",
        "}",
    )
