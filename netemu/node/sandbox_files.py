"""The files that give a pod its name and its DNS: /etc/hosts, /etc/resolv.conf, /etc/hostname."""

from collections.abc import Mapping, Sequence
from ipaddress import ip_address

from msgspec import Struct

from netemu.model.meta import Object, name_of, namespace_of

_LONGEST_HOSTNAME = 63

_HOSTS = """\
# Kubernetes-managed hosts file.
127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::0\tip6-localnet
fe00::0\tip6-mcastprefix
fe00::1\tip6-allnodes
fe00::2\tip6-allrouters
"""


class Surroundings(Struct, frozen=True, kw_only=True):
    """What the pod's files depend on besides the pod."""

    zone: str
    """The cluster domain."""
    dns: str
    """Address of the cluster DNS."""
    node: str
    """The node's name, the hostname of hostNetwork pods."""
    host_hosts: str = ""
    """The machine's own /etc/hosts and /etc/resolv.conf."""
    host_resolv_conf: str = ""


class Resolver(Struct, frozen=True):
    """What /etc/resolv.conf says."""

    nameservers: tuple[str, ...] = ()
    searches: tuple[str, ...] = ()
    options: tuple[str, ...] = ()


def hostname(pod: Object, node: str) -> str:
    """The pod's hostname: spec.hostname, else its name, cut to what a hostname may be."""
    if pod["spec"].get("hostNetwork"):
        return node
    name: str = pod["spec"].get("hostname") or name_of(pod)
    return name[:_LONGEST_HOSTNAME].rstrip("-.")


def fqdn(pod: Object, around: Surroundings) -> str:
    """The pod's full name in DNS, "" without a subdomain."""
    subdomain = pod["spec"].get("subdomain")
    if not subdomain or pod["spec"].get("hostNetwork"):
        return ""
    return f"{hostname(pod, '')}.{subdomain}.{namespace_of(pod)}.svc.{around.zone}"


def sandbox_files(pod: Object, addresses: Sequence[str], around: Surroundings) -> dict[str, str]:
    """Path -> content."""
    return {
        "/etc/hosts": hosts(pod, addresses, around),
        "/etc/resolv.conf": resolv_conf(resolver(pod, around)),
        "/etc/hostname": f"{hostname(pod, around.node)}\n",
    }


def hosts(pod: Object, addresses: Sequence[str], around: Surroundings) -> str:
    """/etc/hosts as the kubelet manages it: the pod's names with each of its addresses."""
    if pod["spec"].get("hostNetwork"):
        text = f"# Kubernetes-managed hosts file (host network).\n{around.host_hosts}"
    else:
        names = [*filter(None, (fqdn(pod, around), hostname(pod, around.node)))]
        lines = ("\t".join((address, *names)) for address in addresses)
        text = _HOSTS + "".join(f"{line}\n" for line in lines)
    aliases = pod["spec"].get("hostAliases") or ()
    if not aliases:
        return text
    lines = ("\t".join((alias["ip"], *(alias.get("hostnames") or ()))) for alias in aliases)
    return f"{text}\n# Entries added by HostAliases.\n" + "".join(f"{line}\n" for line in lines)


def resolver(pod: Object, around: Surroundings) -> Resolver:
    """What the pod's dnsPolicy and dnsConfig come to."""
    return _merged(_by_policy(pod, around), pod["spec"].get("dnsConfig") or {})


def _by_policy(pod: Object, around: Surroundings) -> Resolver:
    policy = pod["spec"].get("dnsPolicy", "ClusterFirst")
    if policy == "ClusterFirst" and pod["spec"].get("hostNetwork"):
        policy = "Default"
    match policy:
        case "None":
            return Resolver()
        case "Default":
            return _host_resolver(around)
        case _:
            zone = around.zone
            searches = (f"{namespace_of(pod)}.svc.{zone}", f"svc.{zone}", zone)
            return Resolver((around.dns,), searches, ("ndots:5",))


def _host_resolver(around: Surroundings) -> Resolver:
    host = parse_resolv_conf(around.host_resolv_conf)
    # A resolver on the machine's loopback cannot be reached from a pod's own network; the cluster
    # DNS passes on to it what it doesn't know.
    servers = tuple(dict.fromkeys(_reachable(s, around.dns) for s in host.nameservers))
    return Resolver(servers or (around.dns,), host.searches, host.options)


def _reachable(server: str, instead: str) -> str:
    try:
        return instead if ip_address(server.partition("%")[0]).is_loopback else server
    except ValueError:
        return instead


def parse_resolv_conf(text: str) -> Resolver:
    """Read a resolv.conf; the last search line counts."""
    servers: list[str] = []
    searches: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    for line in text.splitlines():
        words = line.split()
        if len(words) < 2 or words[0][0] in "#;":
            continue
        if words[0] == "nameserver":
            servers.append(words[1])
        elif words[0] in ("search", "domain"):
            searches = tuple(words[1:])
        elif words[0] == "options":
            options = tuple(words[1:])
    return Resolver(tuple(servers), searches, options)


def _merged(base: Resolver, config: Mapping[str, Sequence[str]]) -> Resolver:
    """Add dnsConfig: lists are joined without doubles, options of one name replaced."""
    options = {option.partition(":")[0]: option for option in base.options}
    for item in config.get("options") or ():
        name, value = _option(item)
        options[name] = f"{name}:{value}" if value else name
    return Resolver(
        tuple(dict.fromkeys((*base.nameservers, *(config.get("nameservers") or ())))),
        tuple(dict.fromkeys((*base.searches, *(config.get("searches") or ())))),
        tuple(options.values()),
    )


def _option(item: object) -> tuple[str, str]:
    assert isinstance(item, Mapping)  # validated when the pod was created
    return str(item["name"]), str(item.get("value") or "")


def resolv_conf(resolver: Resolver) -> str:
    """Write it, in containerd's order."""
    lines = []
    if resolver.searches:
        lines.append(f"search {' '.join(resolver.searches)}")
    lines += [f"nameserver {server}" for server in resolver.nameservers]
    if resolver.options:
        lines.append(f"options {' '.join(resolver.options)}")
    return "".join(f"{line}\n" for line in lines)
