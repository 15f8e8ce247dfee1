"""May a namespace have this, too? The ResourceQuota admission plugin.

What is used is counted when somebody writes, so it is exact; the controller only tells of it.
"""

from collections.abc import Iterable
from decimal import Decimal

from netemu.model import quota
from netemu.model.errors import Forbidden
from netemu.model.meta import Object, name_of
from netemu.model.resources import Resource


def check(
    resource: Resource,
    new: Object,
    old: Object | None,
    quotas: Iterable[Object],
    others: Iterable[Object],
) -> None:
    """Judge a write by the namespace's quotas; `others` are the objects of its kind that are
    there, `old` among them. Raises Forbidden.
    """
    key = resource.key
    more = _increase(key, new, old)
    there = [(key, obj) for obj in others]
    for item in quotas:
        if not quota.covers(item, key, new):
            continue
        if old is None and (untold := quota.missing(item, key, new)):
            told = "; ".join(f"{name} for: {','.join(who)}" for name, who in untold.items())
            raise _refused(resource, new, f"failed quota: {name_of(item)}: must specify {told}")
        asked = {name: number for name, number in more.items() if name in quota.hard_of(item)}
        used, hard = quota.total(there, item), quota.hard_of(item)
        over = sorted(name for name in asked if used[name] + asked[name] > hard[name])
        if over:
            raise _refused(resource, new, _exceeded(name_of(item), over, asked, used, hard))


def _increase(key: str, new: Object, old: Object | None) -> dict[str, Decimal]:
    before = {} if old is None else quota.usage(key, old)
    after = quota.usage(key, new)
    changes = {name: number - before.get(name, Decimal(0)) for name, number in after.items()}
    return {name: number for name, number in changes.items() if number > 0}


def _exceeded(
    name: str, over: list[str], asked: quota.Used, used: quota.Used, hard: quota.Used
) -> str:
    def told(amounts: quota.Used) -> str:
        return ",".join(f"{item}={quota.amount_text(item, amounts[item])}" for item in over)

    return (
        f"exceeded quota: {name}, requested: {told(asked)}, used: {told(used)}, "
        f"limited: {told(hard)}"
    )


def _refused(resource: Resource, obj: Object, why: str) -> Forbidden:
    name = obj["metadata"].get("name", "")
    return Forbidden(
        f'{resource.key} "{name}" is forbidden: {why}', name=name, kind=resource.plural
    )
