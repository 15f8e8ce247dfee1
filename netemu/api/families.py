"""Which address families a Service gets, inferred from what it says and what it had.

Never changes a Service from one family to two, or back, by itself: only its policy, addresses or
families do (pkg/registry/core/service/storage/alloc.go, initIPFamilyFields).
"""

from collections.abc import Sequence

from netemu.api.servicetype import is_headless, needs_cluster_ip, type_of
from netemu.api.validation import field
from netemu.api.validation.field import SPEC, Causes
from netemu.api.validation.ips import is_ipv6
from netemu.model.errors import Cause
from netemu.model.meta import Object

_SINGLE, _PREFER, _REQUIRE = "SingleStack", "PreferDualStack", "RequireDualStack"
_POLICY = SPEC.child("ipFamilyPolicy")
_OTHER = {"IPv4": "IPv6", "IPv6": "IPv4"}


def with_families(spec: Object, before: Object | None, configured: Sequence[str]) -> list[Cause]:
    """Fill in ipFamilyPolicy and ipFamilies, in place; what is wrong with them.

    `before` is the spec of an update's old object; `configured` are the cluster's families, the
    default one first.
    """
    if not needs_cluster_ip(spec) or _still_prefers_both(spec, before):
        return []
    if spec.get("ipFamilyPolicy") is None:
        spec["ipFamilyPolicy"] = _policy(spec, before)
    causes = [*_released(spec, before), *_too_many(spec), *_inferred(spec, configured)]
    if causes:
        return causes
    policy, families = spec["ipFamilyPolicy"], list(spec.get("ipFamilies") or ())
    if is_headless(spec) and not spec.get("selector"):
        # Somebody else makes its endpoints, of whatever family.
        families = families or [configured[0]]
        if len(families) < 2 and policy != _SINGLE:
            families.append(_OTHER[families[0]])
        spec["ipFamilies"] = families
        return []
    causes = [*_not_to_be_had(policy, families, configured)]
    if causes:
        return causes
    families = families or [configured[0]]
    if policy != _SINGLE and len(families) == 1 and len(configured) == 2:
        families.append(_OTHER[families[0]])
    spec["ipFamilies"] = families
    return []


def _policy(spec: Object, before: Object | None) -> str:
    if before is not None and before.get("ipFamilyPolicy"):
        return str(before["ipFamilyPolicy"])
    if spec.get("clusterIP") == "None" and not spec.get("selector"):
        return _REQUIRE
    return _SINGLE


def _still_prefers_both(spec: Object, before: Object | None) -> bool:
    return (
        before is not None
        and type_of(spec) == type_of(before)
        and spec.get("ipFamilyPolicy") == before.get("ipFamilyPolicy") == _PREFER
        and all(_list(spec, key) == _list(before, key) for key in ("clusterIPs", "ipFamilies"))
    )


def _list(spec: Object, key: str) -> list[str]:
    return list(spec.get(key) or ())


def _released(spec: Object, before: Object | None) -> Causes:
    """A second address or family goes by asking for SingleStack, and not otherwise."""
    if before is None:
        return
    for key, what in (("clusterIPs", "cluster IP"), ("ipFamilies", "IP family")):
        have, had = _list(spec, key), _list(before, key)
        if spec["ipFamilyPolicy"] == _SINGLE:
            if have == had and len(have) > 1:
                spec[key] = have[:1]
        elif have and len(have) < len(had):
            rule = f"must be 'SingleStack' to release the secondary {what}"
            yield field.invalid(_POLICY, spec["ipFamilyPolicy"], rule)


def _too_many(spec: Object) -> Causes:
    if spec["ipFamilyPolicy"] != _SINGLE:
        return
    for key, what in (("clusterIPs", "cluster IPs"), ("ipFamilies", "IP families")):
        if len(_list(spec, key)) == 2:
            both = "must be 'RequireDualStack' or 'PreferDualStack'"
            rule = f"{both} when multiple {what} are specified"
            yield field.invalid(_POLICY, _SINGLE, rule)


def _inferred(spec: Object, configured: Sequence[str]) -> Causes:
    ips, families = _list(spec, "clusterIPs"), _list(spec, "ipFamilies")
    for number, ip in enumerate(ips):
        if ip == "None" or number < len(families):
            continue
        family = "IPv6" if is_ipv6(ip) else "IPv4"
        if family not in configured:
            path = SPEC.child("clusterIPs").index(number)
            yield field.invalid(path, ips, f"{family} is not configured on this cluster")
        else:
            families.append(family)
            spec["ipFamilies"] = families


def _not_to_be_had(policy: str, families: list[str], configured: Sequence[str]) -> Causes:
    if policy == _REQUIRE and len(configured) < 2:
        rule = "this cluster is not configured for dual-stack services"
        yield field.invalid(_POLICY, policy, rule)
    for number, family in enumerate(families):
        if family not in configured:
            path = SPEC.child("ipFamilies").index(number)
            yield field.invalid(path, family, "not configured on this cluster")
