"""Rules of what decides on which node a pod may run: affinity, tolerations, taints, spreading."""

from collections.abc import Iterable

from netemu.api.validation import field
from netemu.api.validation.field import Causes, Path, each_invalid
from netemu.api.validation.goformat import Literal, quoted
from netemu.api.validation.meta import label_name, label_selector, label_values, operator_values
from netemu.model import names
from netemu.model.meta import Object

_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


def affinity(value: Object, path: Path) -> Causes:
    """Which nodes and which neighbours a pod wants."""
    node = value.get("nodeAffinity") or {}
    below = path.child("nodeAffinity")
    if node.get(_REQUIRED) is not None:
        yield from node_selector(node[_REQUIRED], below.child(_REQUIRED))
    for number, term in enumerate(node.get(_PREFERRED) or ()):
        here = below.child(_PREFERRED).index(number)
        yield from _weight(term, here)
        yield from _node_term(term.get("preference") or {}, here.child("preference"), strict=False)
    for kind in ("podAffinity", "podAntiAffinity"):
        yield from _pod_affinity(value.get(kind) or {}, path.child(kind))


def _weight(term: Object, path: Path) -> Causes:
    weight = term.get("weight", 0)
    if not 0 < weight <= 100:
        yield field.invalid(path.child("weight"), weight, "must be in the range 1-100")


def node_selector(selector: Object, path: Path) -> Causes:
    """Which nodes, by labels and fields."""
    terms = selector.get("nodeSelectorTerms") or ()
    below = path.child("nodeSelectorTerms")
    if not terms:
        yield field.required(below, "must have at least one node selector term")
    for number, term in enumerate(terms):
        yield from _node_term(term, below.index(number), strict=True)


def _node_term(term: Object, path: Path, *, strict: bool) -> Causes:
    for number, item in enumerate(term.get("matchExpressions") or ()):
        below = path.child("matchExpressions").index(number)
        values = item.get("values") or []
        yield from _operator(item.get("operator", ""), values, below)
        yield from label_name(item.get("key", ""), below.child("key"))
        if strict:  # a wrong value of a mere preference only fails to match
            yield from label_values(values, below.child("values"))
    for number, item in enumerate(term.get("matchFields") or ()):
        yield from _node_field(item, path.child("matchFields").index(number))


def _operator(operator: str, values: list[str], path: Path) -> Causes:
    if operator not in ("Gt", "Lt"):
        yield from operator_values(operator, values, path)
    elif len(values) != 1:
        rule = "must be specified single value when `operator` is 'Lt' or 'Gt'"
        yield field.required(path.child("values"), rule)


def _node_field(item: Object, path: Path) -> Causes:
    operator, values, key = item.get("operator", ""), item.get("values") or [], item.get("key", "")
    if operator not in ("In", "NotIn"):
        yield field.invalid(path.child("operator"), operator, "not a valid selector operator")
    elif len(values) != 1:
        rule = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"
        yield field.required(path.child("values"), rule)
    if key != "metadata.name":
        yield field.invalid(path.child("key"), key, "not a valid field selector key")
        return
    for number, value in enumerate(values):
        problems = names.dns_subdomain(value)
        yield from each_invalid(path.child("values").index(number), value, problems)


def _pod_affinity(value: Object, path: Path) -> Causes:
    for number, term in enumerate(value.get(_REQUIRED) or ()):
        yield from _pod_term(term, path.child(_REQUIRED).index(number))
    for number, term in enumerate(value.get(_PREFERRED) or ()):
        below = path.child(_PREFERRED).index(number)
        yield from _weight(term, below)
        yield from _pod_term(term.get("podAffinityTerm") or {}, below.child("podAffinityTerm"))


def _pod_term(term: Object, path: Path) -> Causes:
    for key in ("labelSelector", "namespaceSelector"):
        yield from label_selector(term.get(key), path.child(key))
    for namespace in term.get("namespaces") or ():
        yield from each_invalid(path.child("namespace"), namespace, names.dns_label(namespace))
    key = term.get("topologyKey", "")
    if not key:
        yield field.required(path.child("topologyKey"), "can not be empty")
    yield from label_name(key, path.child("topologyKey"))


def tolerations(items: Iterable[Object], path: Path) -> Causes:
    """Which taints a pod puts up with."""
    for number, item in enumerate(items):
        yield from _toleration(item, path.index(number))


def _toleration(item: Object, path: Path) -> Causes:
    key, operator = item.get("key", ""), item.get("operator", "")
    value, effect = item.get("value", ""), item.get("effect", "")
    if key:
        yield from label_name(key, path.child("key"))
    elif operator != "Exists":
        rule = (
            "operator must be Exists when `key` is empty, which means "
            '"match all values and all keys"'
        )
        yield field.invalid(path.child("operator"), operator, rule)
    if item.get("tolerationSeconds") is not None and effect != "NoExecute":
        rule = "effect must be 'NoExecute' when `tolerationSeconds` is set"
        yield field.invalid(path.child("effect"), effect, rule)
    if operator in ("Equal", ""):
        if problems := names.label_value(value):
            yield field.invalid(path.child("operator"), value, ";".join(problems))
    elif operator != "Exists":
        yield field.not_supported(path.child("operator"), operator, ("Equal", "Exists"))
    elif value:
        rule = "value must be empty when `operator` is 'Exists'"
        yield field.invalid(path.child("operator"), value, rule)
    if effect and effect not in _EFFECTS:
        yield field.not_supported(path.child("effect"), effect, _EFFECTS)


def taints(items: Iterable[Object], path: Path) -> Causes:
    """The taints of a node: one of each key and effect."""
    seen: set[tuple[str, str]] = set()
    for number, item in enumerate(items):
        below, effect = path.index(number), item.get("effect", "")
        key, value = item.get("key", ""), item.get("value", "")
        yield from label_name(key, below.child("key"))
        if problems := names.label_value(value):
            yield field.invalid(below.child("value"), value, ";".join(problems))
        if not effect:
            yield field.required(below.child("effect"))
        elif effect not in _EFFECTS:
            yield field.not_supported(below.child("effect"), effect, _EFFECTS)
        if (key, effect) in seen:
            shown = (
                f"core.Taint{{Key:{quoted(key)}, Value:{quoted(value)}, Effect:{quoted(effect)}, "
                "TimeAdded:<nil>}"
            )
            rule = "taints must be unique by key and effect pair"
            yield field.duplicate(below, Literal(shown), rule)
        seen.add((key, effect))


def spreading(items: list[Object], path: Path) -> Causes:
    """How pods are to be spread over zones or nodes."""
    actions = ("DoNotSchedule", "ScheduleAnyway")
    for number, item in enumerate(items):
        below = path.index(number)
        skew, key = item.get("maxSkew", 0), item.get("topologyKey", "")
        action = item.get("whenUnsatisfiable", "")
        if skew <= 0:
            yield field.invalid(below.child("maxSkew"), skew, "must be greater than zero")
        if not key:
            yield field.required(below.child("topologyKey"), "can not be empty")
        if action not in actions:
            yield field.not_supported(below.child("whenUnsatisfiable"), action, actions)
        later = items[number + 1 :]
        if any((o.get("topologyKey"), o.get("whenUnsatisfiable")) == (key, action) for o in later):
            pair = below.child("{topologyKey, whenUnsatisfiable}")
            yield field.duplicate(pair, f"{{{key}, {action}}}")
        yield from label_selector(item.get("labelSelector"), below.child("labelSelector"))
