"""Kubernetes' functions of URLs, addresses and ranges (apiserver/pkg/cel/library)."""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, Final
from urllib.parse import SplitResult, parse_qs, quote, urlsplit

from netemu.cel.errors import EvaluationError
from netemu.cel.standard import Overloads
from netemu.cel.values import KINDS

Address = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class Cidr:
    """An address with the length of its prefix; the rest of it may be set."""

    address: Address
    length: int

    @property
    def network(self) -> IPv4Network | IPv6Network:
        """The range without the rest."""
        return ip_network((self.address, self.length), strict=False)

    def __str__(self) -> str:
        return f"{self.address}/{self.length}"


KINDS |= {
    SplitResult: "kubernetes.URL",
    IPv4Address: "net.IP",
    IPv6Address: "net.IP",
    Cidr: "net.CIDR",
}


def _url(text: str) -> SplitResult:
    """As Go's url.ParseRequestURI: absolute, or a path."""
    wrong = EvaluationError(
        f'URL parse error during conversion from string: parse "{text}": invalid URI for request'
    )
    if not text.isprintable() or " " in text:
        raise wrong
    try:
        parts = urlsplit(text)
        port = parts.netloc.rpartition("@")[2].rpartition("]")[2].partition(":")[2]
    except ValueError:
        raise wrong from None
    if (not parts.scheme and not text.startswith("/")) or (port and not port.isdigit()):
        raise wrong
    return parts


def is_url(text: str) -> bool:
    """Whether a text is a URL."""
    try:
        _url(text)
    except EvaluationError:
        return False
    return True


def _host(url: SplitResult) -> str:
    return url.netloc.rpartition("@")[2]


def _hostname(url: SplitResult) -> str:
    host = _host(url)
    return host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]


def _port(url: SplitResult) -> str:
    return _host(url).rpartition("]")[2].partition(":")[2]


def _path(url: SplitResult) -> str:
    return quote(url.path, safe="/%:@!$&'()*+,;=-._~")


def _query(url: SplitResult) -> dict[str, list[str]]:
    return parse_qs(url.query, keep_blank_values=True)


def _ip(text: str) -> Address:
    try:
        found = ip_address(text)
    except ValueError:
        raise EvaluationError(
            f'IP Address "{text}" parse error during conversion from string: ParseAddr("{text}"): '
            "unable to parse IP"
        ) from None
    if isinstance(found, IPv6Address) and found.ipv4_mapped:
        raise EvaluationError(f'IPv4-mapped IPv6 address "{text}" is not allowed')
    if isinstance(found, IPv6Address) and found.scope_id:
        raise EvaluationError(f'IP address "{text}" with zone value is not allowed')
    return found


def _is(parse: Any) -> Any:
    def check(text: str) -> bool:
        try:
            parse(text)
        except EvaluationError:
            return False
        return True

    return check


_NO_RANGE: Final = "network address parse error during conversion from string"


def _cidr(text: str) -> Cidr:
    address, slash, length = text.partition("/")
    try:
        found = _ip(address)
        if not slash or not length.isdigit() or (length != "0" and length[0] == "0"):
            raise ValueError
        if int(length) > found.max_prefixlen:
            raise ValueError
    except (ValueError, EvaluationError):
        raise EvaluationError(
            f'{_NO_RANGE}: netip.ParsePrefix("{text}"): {"bad bits" if slash else "no"} after "/"'
        ) from None
    return Cidr(found, int(length))


def _contains_ip(cidr: Cidr, address: Any) -> bool:
    found = _ip(address) if isinstance(address, str) else address
    return found.version == cidr.address.version and found in cidr.network


def _contains_cidr(cidr: Cidr, other: Any) -> bool:
    found = _cidr(other) if isinstance(other, str) else other
    if found.address.version != cidr.address.version or found.length < cidr.length:
        return False
    return found.address in cidr.network


def _global_unicast(address: Address) -> bool:
    others = (
        address.is_unspecified,
        address.is_loopback,
        address.is_multicast,
        address.is_link_local,
        str(address) == "255.255.255.255",
    )
    return not any(others)


def _link_local_multicast(address: Address) -> bool:
    ranges = ip_network("224.0.0.0/24"), ip_network("ff02::/16")
    return any(address in one for one in ranges if one.version == address.version)


OVERLOADS: Final[Overloads] = (
    ("url", "(string) kubernetes.URL", _url),
    ("isURL", "(string) bool", is_url),
    ("getScheme", "kubernetes.URL.() string", lambda url: url.scheme),
    ("getHost", "kubernetes.URL.() string", _host),
    ("getHostname", "kubernetes.URL.() string", _hostname),
    ("getPort", "kubernetes.URL.() string", _port),
    ("getEscapedPath", "kubernetes.URL.() string", _path),
    ("getQuery", "kubernetes.URL.() map<string,list<string>>", _query),
    ("ip", "(string) net.IP", _ip),
    ("isIP", "(string) bool", _is(_ip)),
    ("ip.isCanonical", "(string) bool", lambda text: str(_ip(text)) == text),
    ("string", "(net.IP) string", str),
    ("family", "net.IP.() int", lambda address: address.version),
    ("isUnspecified", "net.IP.() bool", lambda address: address.is_unspecified),
    ("isLoopback", "net.IP.() bool", lambda address: address.is_loopback),
    ("isLinkLocalMulticast", "net.IP.() bool", _link_local_multicast),
    ("isLinkLocalUnicast", "net.IP.() bool", lambda address: address.is_link_local),
    ("isGlobalUnicast", "net.IP.() bool", _global_unicast),
    ("cidr", "(string) net.CIDR", _cidr),
    ("isCIDR", "(string) bool", _is(_cidr)),
    ("string", "(net.CIDR) string", str),
    ("containsIP", "net.CIDR.(net.IP) bool", _contains_ip),
    ("containsIP", "net.CIDR.(string) bool", _contains_ip),
    ("containsCIDR", "net.CIDR.(net.CIDR) bool", _contains_cidr),
    ("containsCIDR", "net.CIDR.(string) bool", _contains_cidr),
    ("ip", "net.CIDR.() net.IP", lambda cidr: cidr.address),
    (
        "masked",
        "net.CIDR.() net.CIDR",
        lambda cidr: Cidr(cidr.network.network_address, cidr.length),
    ),
    ("prefixLength", "net.CIDR.() int", lambda cidr: cidr.length),
)
