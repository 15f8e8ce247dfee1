"""Rules of ResourceQuotas and LimitRanges."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

from netemu.api.validation import field
from netemu.api.validation.field import SPEC, Causes, Path, each_invalid
from netemu.api.validation.goformat import Literal, quoted
from netemu.api.validation.meta import object_meta, object_meta_update
from netemu.api.validation.resources import amount, container_resource, standard_resource
from netemu.model import names
from netemu.model.meta import Object
from netemu.model.quantity import canonical, parse_quantity
from netemu.model.quota import COUNTED, Amount, kind_of

_POD_SCOPES: Final = frozenset(
    {
        "BestEffort", "CrossNamespacePodAffinity", "NotBestEffort", "NotTerminating",
        "PriorityClass", "Terminating",
    }
)  # fmt: skip
_OF_QUOTAS: Final = frozenset(
    {
        "cpu", "memory", "ephemeral-storage", "requests.cpu", "requests.memory",
        "requests.storage", "requests.ephemeral-storage", "limits.cpu", "limits.memory",
        "limits.ephemeral-storage", "services.nodeports", "services.loadbalancers", *COUNTED,
    }
)  # fmt: skip
_CONFLICTS: Final = ({"BestEffort", "NotBestEffort"}, {"Terminating", "NotTerminating"})
_BY_OPERATOR: Final = {"In": True, "NotIn": True, "Exists": False, "DoesNotExist": False}


def resource_quota(obj: Object) -> Causes:
    """A new ResourceQuota."""
    yield from object_meta(obj, True, names.dns_subdomain)
    spec = obj.get("spec") or {}
    hard = spec.get("hard") or {}
    for name in sorted(hard):
        path = SPEC.child("hard").key(name)
        yield from _quota_resource(name, path)
        yield from amount(name, hard[name], path)
    yield from _scopes(spec.get("scopes") or [], hard)
    yield from _scope_selector(spec, hard)


def resource_quota_update(new: Object, old: Object) -> Causes:
    """An update of a ResourceQuota; its scopes stay."""
    yield from object_meta_update(new, old)
    yield from resource_quota(new)
    have, had = ((obj.get("spec") or {}).get("scopes") or [] for obj in (new, old))
    if set(have) != set(had):
        yield field.invalid(SPEC.child("scopes"), _shown_scopes(have), field.IMMUTABLE)


def _quota_resource(name: str, path: Path) -> Causes:
    yield from standard_resource(name, path)
    huge = name.startswith(("hugepages-", "requests.hugepages-"))
    if "/" not in name and name not in _OF_QUOTAS and not huge:
        yield field.invalid(path, name, "must be a standard resource for quota")


def _shown_scopes(scopes: Iterable[str]) -> Literal:
    items = ", ".join(quoted(scope) for scope in scopes)
    return Literal(f"[]core.ResourceQuotaScope{{{items}}}")


def _scopes(scopes: list[str], hard: Mapping[str, Any]) -> Causes:
    path = SPEC.child("scopes")
    for scope in scopes:
        if scope not in _POD_SCOPES:
            yield field.invalid(path, _shown_scopes(scopes), "unsupported scope")
        for name in hard:
            if name in _OF_QUOTAS and not _fits(scope, name):
                rule = "unsupported scope applied to resource"
                yield field.invalid(path, _shown_scopes(scopes), rule)
    if any(both <= set(scopes) for both in _CONFLICTS):
        yield field.invalid(path, _shown_scopes(scopes), "conflicting scopes")


def _fits(scope: str, name: str) -> bool:
    if scope == "BestEffort":
        return name == "pods"
    return scope in _POD_SCOPES and kind_of(name) == "pods"


def _scope_selector(spec: Object, hard: Mapping[str, Any]) -> Causes:
    path = SPEC.child("scopeSelector", "matchExpressions")
    for item in (spec.get("scopeSelector") or {}).get("matchExpressions") or ():
        scope, operator = item.get("scopeName", ""), item.get("operator", "")
        if scope not in _POD_SCOPES:
            yield field.invalid(path.child("scopeName"), scope, "unsupported scope")
        for name in hard:
            if name in _OF_QUOTAS and not _fits(scope, name):
                shown = Literal("&core.ScopeSelector{…}")
                yield field.invalid(path, shown, "unsupported scope applied to resource")
        if scope in _POD_SCOPES - {"PriorityClass"} and operator != "Exists":
            yield field.invalid(path.child("operator"), operator, _ONLY_EXISTS)
        yield from _scope_values(item, operator, path)


_ONLY_EXISTS: Final = (
    "must be 'Exist' when scope is any of ResourceQuotaScopeTerminating, "
    "ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, "
    "ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity"
)


def _scope_values(item: Object, operator: str, path: Path) -> Causes:
    values = item.get("values") or []
    wanted = _BY_OPERATOR.get(operator)
    if wanted is None:
        yield field.invalid(path.child("operator"), operator, "not a valid selector operator")
    elif wanted and not values:
        rule = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"
        yield field.required(path.child("values"), rule)
    elif values and not wanted:
        rule = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector"
        yield field.invalid(path.child("values"), values, rule)


_LIMIT_TYPES: Final = ("Pod", "Container", "PersistentVolumeClaim")
_LISTS: Final = ("max", "min", "default", "defaultRequest", "maxLimitRequestRatio")


def limit_range(obj: Object) -> Causes:
    """A LimitRange, new or changed."""
    yield from object_meta(obj, True, names.dns_subdomain)
    seen: set[str] = set()
    for number, item in enumerate((obj.get("spec") or {}).get("limits") or ()):
        path = SPEC.child("limits").index(number)
        kind = item.get("type", "")
        yield from _limit_type(kind, path.child("type"))
        if kind in seen:
            yield field.duplicate(path.child("type"), kind)
        seen.add(kind)
        yield from _limit_names(item, kind, path)
        yield from _limit_order(item, path)


def limit_range_update(new: Object, old: Object) -> Causes:
    """An update of a LimitRange."""
    yield from object_meta_update(new, old)
    yield from limit_range(new)


def _limit_type(kind: str, path: Path) -> Causes:
    problems = names.qualified_name(kind)
    yield from each_invalid(path, kind, problems)
    if not problems and "/" not in kind and kind not in _LIMIT_TYPES:
        yield field.invalid(path, kind, "must be a standard limit type or fully qualified")


def _limit_names(item: Object, kind: str, path: Path) -> Causes:
    check = container_resource if kind in ("Pod", "Container") else standard_resource
    for key in _LISTS:
        given = item.get(key) or {}
        if kind == "Pod" and key.startswith("default"):
            if given:
                yield field.forbidden(path.child(key), "may not be specified when `type` is 'Pod'")
            continue
        for name in sorted(given):
            yield from check(name, path.child(key).key(name))
    if kind == "PersistentVolumeClaim" and not any(
        "storage" in (item.get(key) or {}) for key in ("min", "max")
    ):
        rule = "either minimum or maximum storage value is required, but neither was provided"
        yield field.required(path.child("limits"), rule)


_PAIRS: Final = (
    # At most the second; whose place and value are told, and in which words.
    ("min", "max", "min", "min", "min value {} is greater than max value {}"),
    ("min", "defaultRequest", "defaultRequest", "defaultRequest",
     "min value {} is greater than default request value {}"),
    ("defaultRequest", "max", "defaultRequest", "defaultRequest",
     "default request value {} is greater than max value {}"),
    ("defaultRequest", "default", "defaultRequest", "defaultRequest",
     "default request value {} is greater than default limit value {}"),
    ("min", "default", "default", "min", "min value {} is greater than default value {}"),
    ("default", "max", "default", "max", "default value {} is greater than max value {}"),
)  # fmt: skip


def _limit_order(item: Object, path: Path) -> Causes:
    given = {key: item.get(key) or {} for key in _LISTS}
    for name in sorted({name for values in given.values() for name in values}):
        for small, large, place, told, words in _PAIRS:
            one, other = given[small].get(name), given[large].get(name)
            if one is None or other is None or parse_quantity(one) <= parse_quantity(other):
                continue
            rule = words.format(canonical(one), canonical(other))
            yield field.invalid(path.child(place).key(name), _shown(given[told][name]), rule)
        yield from _limit_ratio(given, name, path.child("maxLimitRequestRatio").key(name))


def _limit_ratio(given: Mapping[str, Object], name: str, path: Path) -> Causes:
    said = given["maxLimitRequestRatio"].get(name)
    if said is None:
        return
    ratio = parse_quantity(said)
    if ratio < 1:
        yield field.invalid(path, _shown(said), f"ratio {canonical(said)} is less than 1")
    least, most = given["min"].get(name), given["max"].get(name)
    if least is None or most is None or not parse_quantity(least):
        return
    highest = parse_quantity(most) / parse_quantity(least)
    if ratio > highest:
        rule = f"ratio {canonical(said)} is greater than max/min = {float(highest):f}"
        yield field.invalid(path, _shown(said), rule)


def _shown(text: Any) -> Literal:
    """A Quantity as Go prints one that has no other form."""
    number = parse_quantity(text)
    scale = 0 if number == int(number) else -3
    if number != int(number) and number * 1000 != int(number * 1000):
        scale = -9
    whole = int(number * Decimal(10) ** -scale)
    kind = "BinarySI" if str(Amount(number, str(text).endswith("i"))).endswith("i") else "DecimalSI"
    return Literal(
        f"resource.Quantity{{i:resource.int64Amount{{value:{whole}, scale:{scale}}}, "
        f'd:resource.infDecAmount{{Dec:(*inf.Dec)(nil)}}, s:{quoted(str(text))}, Format:"{kind}"}}'
    )
