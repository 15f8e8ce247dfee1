"""Defaults and bounds that a namespace's LimitRanges set (the LimitRanger admission plugin)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal

from netemu.model.errors import Forbidden
from netemu.model.meta import Object, copied, name_of
from netemu.model.podresources import exact
from netemu.model.quantity import canonical, parse_quantity

ANNOTATION = "kubernetes.io/limit-ranger"
"""Where it tells what it set."""

Amounts = Mapping[str, Decimal]


def limited(pod: Object, ranges: Sequence[Object]) -> Object:
    """A new pod with the namespace's defaults. Raises Forbidden where it is out of bounds."""
    result: Object = copied(pod)
    for item in ranges:
        _set_defaults(result, _of_type(item, "Container"))
    problems = list(_pod_problems(result, ranges))
    if problems:
        name = pod["metadata"].get("name", "")
        why = problems[0] if len(problems) == 1 else f"[{', '.join(problems)}]"
        raise Forbidden(f'pods "{name}" is forbidden: {why}', name=name, kind="pods")
    return result


def _of_type(item: Object, type: str) -> list[Object]:
    limits = (item.get("spec") or {}).get("limits") or ()
    return [limit for limit in limits if limit.get("type") == type]


def _containers(pod: Object) -> list[tuple[str, Object]]:
    spec = pod["spec"]
    plain = [("container", item) for item in spec["containers"]]
    return plain + [("init container", item) for item in spec.get("initContainers") or ()]


def _set_defaults(pod: Object, limits: Iterable[Object]) -> None:
    told: list[str] = []
    for limit in limits:
        for word, container in _containers(pod):
            for kind, field in (("request", "defaultRequest"), ("limit", "default")):
                set_now = _filled(container, f"{kind}s", limit.get(field) or {})
                if set_now:
                    names = ", ".join(set_now)
                    told.append(f"{names} {kind} for {word} {container.get('name', '')}")
    if told:
        annotations = pod["metadata"].setdefault("annotations", {})
        annotations[ANNOTATION] = f"LimitRanger plugin set: {'; '.join(told)}"


def _filled(container: Object, kind: str, defaults: Mapping[str, str]) -> list[str]:
    """Set what isn't said; the names of what was set."""
    resources = container.get("resources") or {}
    given = resources.get(kind) or {}
    names = sorted(name for name in defaults if name not in given)
    if names:
        added = {name: defaults[name] for name in names}
        container["resources"] = {**resources, kind: {**given, **added}}
    return names


def _pod_problems(pod: Object, ranges: Iterable[Object]) -> Iterator[str]:
    for item in ranges:
        for limit in _of_type(item, "Container"):
            for _, container in _containers(pod):
                resources = container.get("resources") or {}
                requests, most = (_parsed(resources.get(k)) for k in ("requests", "limits"))
                yield from _problems(limit, "Container", requests, most)
        for limit in _of_type(item, "Pod"):
            requests, most = exact(pod["spec"], "requests"), exact(pod["spec"], "limits")
            yield from _problems(limit, "Pod", requests, most)


def claim_problems(claim: Object, ranges: Iterable[Object]) -> list[str]:
    """What a PersistentVolumeClaim asks for beyond the bounds."""
    asked = _parsed((claim["spec"].get("resources") or {}).get("requests"))
    return [
        problem
        for item in ranges
        for limit in _of_type(item, "PersistentVolumeClaim")
        for problem in _problems(limit, "PersistentVolumeClaim", asked, {})
    ]


def _problems(limit: Object, type: str, requests: Amounts, most: Amounts) -> Iterator[str]:
    for name, text in (limit.get("min") or {}).items():
        yield from _too_little(name, canonical(text), type, requests.get(name), most.get(name))
    for name, text in (limit.get("max") or {}).items():
        yield from _too_much(name, canonical(text), type, requests.get(name), most.get(name))
    for name, text in (limit.get("maxLimitRequestRatio") or {}).items():
        asked, bound = requests.get(name), most.get(name)
        head = f"{name} max limit to request ratio per {type} is {canonical(text)}, but"
        if not asked or not bound:
            yield f"{head} no request is specified or request is 0."
        elif bound / asked > parse_quantity(text):
            yield f"{head} provided ratio is {bound / asked:.6f}"


def _too_little(
    name: str, least: str, type: str, asked: Decimal | None, bound: Decimal | None
) -> Iterator[str]:
    head = f"minimum {name} usage per {type} is {least}"
    if asked is None:
        yield f"{head}. No request is specified"
    elif asked < parse_quantity(least):
        yield f"{head}, but request is {_text(name, asked)}"
    if bound is not None and bound < parse_quantity(least):
        yield f"{head}, but limit is {_text(name, bound)}"


def _too_much(
    name: str, most: str, type: str, asked: Decimal | None, bound: Decimal | None
) -> Iterator[str]:
    head = f"maximum {name} usage per {type} is {most}"
    if bound is None and type != "PersistentVolumeClaim":
        yield f"{head}. No limit is specified"
    elif bound is not None and bound > parse_quantity(most):
        yield f"{head}, but limit is {_text(name, bound)}"
    if asked is not None and asked > parse_quantity(most):
        yield f"{head}, but request is {_text(name, asked)}"


def _text(name: str, number: Decimal) -> str:
    from netemu.model.quota import amount_text  # late: told in refusals only

    return amount_text(name, number)


def _parsed(amounts: Mapping[str, str] | None) -> dict[str, Decimal]:
    return {name: parse_quantity(text) for name, text in (amounts or {}).items()}


def check_claim(claim: Object, ranges: Iterable[Object]) -> None:
    """Judge a new claim. Raises Forbidden."""
    problems = claim_problems(claim, ranges)
    if problems:
        name = name_of(claim)
        why = problems[0] if len(problems) == 1 else f"[{', '.join(problems)}]"
        message = f'persistentvolumeclaims "{name}" is forbidden: {why}'
        raise Forbidden(message, name=name, kind="persistentvolumeclaims")
