"""Rules of NetworkPolicies (pkg/apis/networking/validation)."""

from typing import Final

from netemu.api.validation import field
from netemu.api.validation.field import SPEC, Causes, Path, each_invalid
from netemu.api.validation.ips import Network, cidr, parse_range
from netemu.api.validation.meta import label_selector, object_meta, object_meta_update
from netemu.model import names
from netemu.model.meta import Object

_POLICY_TYPES: Final = ("Ingress", "Egress")
_PROTOCOLS: Final = ("TCP", "UDP", "SCTP")


def network_policy(obj: Object) -> Causes:
    """A new NetworkPolicy."""
    yield from object_meta(obj, True, names.dns_subdomain)
    spec = obj.get("spec") or {}
    yield from label_selector(spec.get("podSelector"), SPEC.child("podSelector"))
    for key, peers in (("ingress", "from"), ("egress", "to")):
        for number, rule in enumerate(spec.get(key) or ()):
            yield from _policy_rule(rule, peers, SPEC.child(key).index(number))
    kinds = spec.get("policyTypes") or ()
    if len(kinds) > len(_POLICY_TYPES):
        why = "may not specify more than two policyTypes"
        yield field.invalid(SPEC.child("policyTypes"), [*kinds], why)
        return
    for number, kind in enumerate(kinds):
        if kind not in _POLICY_TYPES:
            yield field.not_supported(SPEC.child("policyTypes").index(number), kind, _POLICY_TYPES)


def network_policy_update(new: Object, old: Object) -> Causes:
    """An update of a NetworkPolicy."""
    yield from object_meta_update(new, old)
    yield from network_policy(new)


def _policy_rule(rule: Object, peers: str, path: Path) -> Causes:
    for number, port in enumerate(rule.get("ports") or ()):
        yield from _policy_port(port, path.child("ports").index(number))
    for number, peer in enumerate(rule.get(peers) or ()):
        yield from _peer(peer, path.child(peers).index(number))


def _policy_port(item: Object, path: Path) -> Causes:
    protocol = item.get("protocol", "TCP")
    if protocol not in _PROTOCOLS:
        yield field.not_supported(path.child("protocol"), protocol, _PROTOCOLS)
    port, end = item.get("port"), item.get("endPort")
    below = path.child("endPort")
    if isinstance(port, int):
        yield from each_invalid(path.child("port"), port, names.port_number(port))
        if end is not None:
            if end < port:
                yield field.invalid(below, end, "must be greater than or equal to `port`")
            yield from each_invalid(below, end, names.port_number(end))
    elif isinstance(port, str):
        if end is not None:
            yield field.invalid(below, end, "may not be specified when `port` is non-numeric")
        yield from each_invalid(path.child("port"), port, names.port_name(port))
    elif end is not None:
        yield field.invalid(below, end, "may not be specified when `port` is not specified")


def _peer(peer: Object, path: Path) -> Causes:
    block = peer.get("ipBlock")
    selectors = [key for key in ("podSelector", "namespaceSelector") if peer.get(key) is not None]
    for key in selectors:
        yield from label_selector(peer[key], path.child(key))
    if block is not None:
        yield from _block(block, path.child("ipBlock"))
    if block is None and not selectors:
        yield field.required(path, "must specify a peer")
    if block is not None and selectors:
        yield field.forbidden(path, "may not specify both ipBlock and another peer")


def _block(block: Object, path: Path) -> Causes:
    if not block.get("cidr"):
        yield field.required(path.child("cidr"))
        return
    whole = parse_range(block["cidr"])
    yield from cidr(path.child("cidr"), block["cidr"])
    if whole is None:
        return
    for number, text in enumerate(block.get("except") or ()):
        below, part = path.child("except").index(number), parse_range(text)
        yield from cidr(below, text)
        if part is not None and not _is_strictly_within(part, whole):
            yield field.invalid(below, text, "must be a strict subset of `cidr`")


def _is_strictly_within(part: Network, whole: Network) -> bool:
    same_family = part.version == whole.version
    return same_family and part.prefixlen > whole.prefixlen and part.network_address in whole
