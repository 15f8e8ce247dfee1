"""Names of custom kinds: no two definitions of a group may use one (apiextensions' naming
controller). Pure.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from netemu.model.conditions import condition, with_condition
from netemu.model.meta import Object, name_of

_SINGLE: Final = ("plural", "singular", "kind", "listKind")
APPROVED: Final = "api-approved.kubernetes.io"
"""The annotation that says where a definition was approved."""
_KINDS: Final = frozenset({"kind", "listKind"})


def judged(definition: Object, others: Iterable[Object], now: float) -> Object:
    """The status of a definition: the names it has got, and whether it is served."""
    group = definition["spec"]["group"]
    taken = [
        (other.get("status") or {}).get("acceptedNames") or {}
        for other in others
        if other["spec"]["group"] == group and name_of(other) != name_of(definition)
    ]
    before = definition.get("status") or {}
    names, conflict = _accepted(
        definition["spec"]["names"], before.get("acceptedNames") or {}, taken
    )
    conditions = before.get("conditions")
    approval = _approval(definition)
    if approval is not None:
        conditions = with_condition(conditions, approval, now)
    conditions = with_condition(conditions, _naming(conflict), now)
    conditions = with_condition(conditions, _established(definition, conflict), now)
    return {**before, "conditions": conditions, "acceptedNames": names}


def _accepted(
    wanted: Object, before: Object, taken: Sequence[Object]
) -> tuple[Object, tuple[str, str] | None]:
    """The names that are free, or were had before, and what stands against the others."""
    resources = {n for one in taken for n in (one.get("plural"), one.get("singular"))}
    resources |= {n for one in taken for n in one.get("shortNames") or ()}
    kinds = {n for one in taken for n in (one.get("kind"), one.get("listKind"))}
    names: Object = {**before}
    conflict: tuple[str, str] | None = None
    for key in _SINGLE:
        name = wanted.get(key) or ""
        if name != before.get(key, "") and name in (kinds if key in _KINDS else resources):
            conflict = f"{key[0].upper()}{key[1:]}Conflict", _used(name)
        else:
            names[key] = name
    mine = set(before.get("shortNames") or ())
    used = [_used(n) for n in wanted.get("shortNames") or () if n not in mine and n in resources]
    if used:
        conflict = conflict or ("ShortNamesConflict", _all(used))
    else:
        names["shortNames"] = wanted.get("shortNames")
    names["categories"] = wanted.get("categories")
    return {key: value for key, value in names.items() if value}, conflict


def is_protected(group: str) -> bool:
    """Whether only the community's approval allows definitions of a group (KEP-1111)."""
    return any(group == one or group.endswith(f".{one}") for one in ("k8s.io", "kubernetes.io"))


def _approval(definition: Object) -> Object | None:
    if not is_protected(definition["spec"]["group"]):
        return None
    said = (definition["metadata"].get("annotations") or {}).get(APPROVED, "")
    if said.startswith("unapproved"):
        status, reason, message = "False", "UnapprovedAnnotation", f'not approved: "{said}"'
    else:
        status, reason, message = "True", "ApprovedAnnotation", f"approved in {said}"
    kind = "KubernetesAPIApprovalPolicyConformant"
    return {"type": kind, "status": status, "reason": reason, "message": message}


def _used(name: str) -> str:
    return f'"{name}" is already in use'


def _all(messages: Sequence[str]) -> str:
    return messages[0] if len(messages) == 1 else f"[{', '.join(messages)}]"


def _naming(conflict: tuple[str, str] | None) -> Object:
    reason, message = conflict or ("NoConflicts", "no conflicts found")
    status = "False" if conflict else "True"
    return {"type": "NamesAccepted", "status": status, "reason": reason, "message": message}


def _established(definition: Object, conflict: tuple[str, str] | None) -> Object:
    """Once a kind is served it stays so, whatever becomes of its names."""
    known = condition(definition, "Established")
    if known is not None and known["status"] == "True":
        return known
    if conflict:
        status, reason, message = "False", "NotAccepted", "not all names are accepted"
    else:
        status, reason = "True", "InitialNamesAccepted"
        message = "the initial names have been accepted"
    return {"type": "Established", "status": status, "reason": reason, "message": message}
