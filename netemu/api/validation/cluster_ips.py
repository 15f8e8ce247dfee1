"""Rules of a Service's own addresses and their families, in one object and from one to the next."""

from collections.abc import Sequence
from typing import Any

from netemu.api.servicetype import is_headless, needs_cluster_ip
from netemu.api.validation import field
from netemu.api.validation.field import SPEC, Causes
from netemu.api.validation.goformat import Literal, strings
from netemu.api.validation.ips import address, is_ipv6
from netemu.model.errors import Cause
from netemu.model.meta import Object

_IPS = SPEC.child("clusterIPs")
_FAMILIES = SPEC.child("ipFamilies")
_POLICY = SPEC.child("ipFamilyPolicy")
_KNOWN_POLICIES = ("PreferDualStack", "RequireDualStack", "SingleStack")
_UNCHANGING = "may not change once set"


def shown_families(families: Sequence[str] | None) -> Literal:
    """``[]core.IPFamily{"IPv4"}``."""
    return Literal(strings(None if families is None else list(families), "core.IPFamily"))


def _shown(ips: list[str] | None) -> Literal:
    return Literal(strings(ips))


def cluster_ips(spec: Object) -> Causes:
    """clusterIP, clusterIPs, ipFamilies and ipFamilyPolicy fit together."""
    if not needs_cluster_ip(spec):
        return
    ips = spec.get("clusterIPs") or []
    yield from _in_step(spec.get("clusterIP", ""), ips)
    yield from _known(spec)
    wrong = [*_addresses(ips)]
    yield from wrong
    if len(ips) > 2:
        yield field.invalid(_IPS, ips, "may only hold up to 2 values")
    if wrong:
        return
    if len(ips) > 1 and len({is_ipv6(ip) for ip in ips}) < 2:
        yield field.invalid(_IPS, ips, "may specify no more than one IP for each IP family")
    if not is_headless(spec):
        yield from _of_family(ips, spec.get("ipFamilies") or [])


def _in_step(first: str, ips: list[str]) -> Causes:
    if first and not ips:
        yield field.required(_IPS)
    elif first and ips[0] != first:
        yield field.invalid(_IPS, ips, "first value must match `clusterIP`")
    elif ips and not first:
        yield field.invalid(_IPS, ips, "must be empty when `clusterIP` is not specified")


def _known(spec: Object) -> Causes:
    families = spec.get("ipFamilies") or []
    for number, family in enumerate(families):
        if family not in ("IPv4", "IPv6"):
            yield field.not_supported(_FAMILIES.index(number), family, ("IPv4", "IPv6"))
        if family in families[:number]:
            yield field.duplicate(_FAMILIES.index(number), family)
    policy = spec.get("ipFamilyPolicy")
    if policy is not None and policy not in _KNOWN_POLICIES:
        yield field.not_supported(_POLICY, policy, _KNOWN_POLICIES)


def _addresses(ips: list[str]) -> Causes:
    for number, ip in enumerate(ips):
        if number or ip != "None":
            yield from address(_IPS.index(number), ip)
        elif len(ips) > 1:
            yield field.invalid(_IPS, ips, "'None' must be the first and only value")


def _of_family(ips: list[str], families: list[str]) -> Causes:
    for number, (ip, family) in enumerate(zip(ips, families, strict=False)):
        if family in ("IPv4", "IPv6") and is_ipv6(ip) != (family == "IPv6"):
            rule = f"expected an {family} value as indicated by `ipFamilies[{number}]`"
            yield field.invalid(_IPS.index(number), ip, rule)


def cluster_ips_update(spec: Object, before: Object) -> Causes:
    """Addresses and families stay, but for a second one that comes or goes."""
    if not needs_cluster_ip(spec) or not needs_cluster_ip(before):
        return
    if is_headless(spec) and is_headless(before):
        return
    yield from _same_ips(spec, before)
    if not is_headless(spec) and not is_headless(before):
        yield from _same_families(spec, before)


def _same_ips(spec: Object, before: Object) -> Causes:
    ips, had = spec.get("clusterIPs") or [], before.get("clusterIPs") or []
    if len(ips) == len(had):
        for number, (ip, was) in enumerate(zip(ips, had, strict=True)):
            if ip != was:
                yield field.invalid(_IPS.index(number), ips, _UNCHANGING)
        return
    if not ips:
        none = _shown(spec.get("clusterIPs"))
        yield field.invalid(_IPS.index(0), none, "primary clusterIP can not be unset")
    elif had and ips[0] != had[0]:
        yield field.invalid(_IPS.index(0), ips, _UNCHANGING)
    if len(had) > len(ips) == 1:
        yield from _single_stack(spec.get("ipFamilyPolicy"), "clusterIP")


def _single_stack(policy: str | None, what: str) -> Causes:
    if policy != "SingleStack":
        rule = f"must be set to 'SingleStack' when releasing the secondary {what}"
        yield field.invalid(_POLICY, policy, rule)


def _same_families(spec: Object, before: Object) -> Causes:
    families, had = spec.get("ipFamilies") or [], before.get("ipFamilies") or []
    path = _FAMILIES.index(0)
    if len(families) == len(had):
        for family, was in zip(families, had, strict=True):
            if family != was:
                yield _changed(families)
        return
    if had and families and families[0] != had[0]:
        yield field.invalid(path, _shown(spec.get("clusterIPs")), _UNCHANGING)
    if len(had) > len(families) == 1:
        yield from _single_stack(spec.get("ipFamilyPolicy"), "ipFamily")


def _changed(families: list[Any]) -> Cause:
    return field.invalid(_FAMILIES.index(0), shown_families(families), _UNCHANGING)
