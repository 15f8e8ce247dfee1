"""ResourceQuotas: may a namespace hold one object more? (apiserver's resourcequota admission)

What is used is counted from the store at every write that a quota is about, so two writes can't
both take what is left.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from netemu.model import quota
from netemu.model.meta import Object, name_of
from netemu.model.quota import CONSTRAINED, NOTHING, Amounts, Lister
from netemu.model.resources import PODS


def problem(
    resource: str, new: Object, old: Object | None, quotas: Iterable[Object], objects: Lister
) -> str | None:
    """Why an object may not be as it is to be; None: it may. `old` is the stored one of an update.

    `objects` lists what the namespace has now.
    """
    for found in quotas:
        if why := _problem(resource, new, old, found, objects):
            return why
    return None


def _problem(
    resource: str, new: Object, old: Object | None, found: Object, objects: Lister
) -> str | None:
    hard = quota.amounts((found.get("spec") or {}).get("hard"))
    hard = {name: value for name, value in hard.items() if quota.kind_of(name) == resource}
    if not hard or not quota.in_scope(found, resource, new):
        return None
    if resource == PODS and old is None and (missing := _unsaid(new["spec"], hard)):
        return f"failed quota: {name_of(found)}: must specify {missing}"
    wanted = _more(resource, new, old, found, hard)
    if not wanted:
        return None
    used = quota.used(found, objects)
    over = [
        name
        for name, value in wanted.items()
        if used.get(name, NOTHING).number + value.number > hard[name].number
    ]
    if not over:
        return None
    return (
        f"exceeded quota: {name_of(found)}, requested: {_told(wanted, over)}, "
        f"used: {_told(used, over)}, limited: {_told(hard, over)}"
    )


def _more(
    resource: str, new: Object, old: Object | None, found: Object, hard: Amounts
) -> dict[str, quota.Amount]:
    """What the write takes in addition; what it gives back is never refused."""
    wanted = quota.usage(resource, new)
    before: Amounts = {}
    if old is not None and quota.in_scope(found, resource, old):
        before = quota.usage(resource, old)
    more = {}
    for name in hard:
        value = wanted.get(name, NOTHING)
        left = value.number - before.get(name, NOTHING).number
        if left > 0:
            more[name] = quota.Amount(left, value.binary)
    return more


def _told(amounts: Amounts, names: Iterable[str]) -> str:
    return ",".join(f"{name}={amounts.get(name, NOTHING)}" for name in sorted(names))


def _unsaid(spec: Object, hard: Mapping[str, Any]) -> str:
    """Limited amounts that containers don't mention, and which containers."""
    missing: dict[str, set[str]] = {}
    for container in (*(spec.get("containers") or ()), *(spec.get("initContainers") or ())):
        for name in set(hard) & set(CONSTRAINED) - set(_said(container)):
            missing.setdefault(name, set()).add(container.get("name", ""))
    return "; ".join(f"{name} for: {','.join(sorted(missing[name]))}" for name in sorted(missing))


def _said(container: Object) -> Iterator[str]:
    resources = container.get("resources") or {}
    requests, limits = (quota.amounts(resources.get(key)) for key in ("requests", "limits"))
    yield from quota.compute(requests, limits)
