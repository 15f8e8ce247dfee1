"""Server-side apply's merge: what an applier says laid over what there is, by the schema.

Scalars and what is owned whole are replaced; structs, maps and lists with keys merge part by part.
A merged list has the applier's order, with the others' items where they stood among shared ones
(structured-merge-diff's merge).
"""

from collections.abc import Iterator
from typing import Any

from netemu.api.fieldset import element, items, parts_of
from netemu.api.schema import Array, Map, Struct, Type
from netemu.api.typedfields import ABSENT, shown


def merged(of: Type, live: Any, applied: Any) -> Any:
    """`applied` laid over `live`; neither is changed."""
    if live is ABSENT or parts_of(of, applied) is None:
        return applied
    if isinstance(of, Array):
        return list(_items(of, live, applied)) if isinstance(live, list) else applied
    if not isinstance(live, dict) or not isinstance(applied, dict):
        return applied
    result = dict(live)
    for name, value in applied.items():
        part = _field(of, name)
        result[name] = value if part is None else merged(part, live.get(name, ABSENT), value)
    return result


def _field(of: Type, name: str) -> Type | None:
    if isinstance(of, Struct):
        return of.fields.get(name)
    return of.values if isinstance(of, Map) else None


def _items(of: Array, live: list[Any], applied: list[Any]) -> Iterator[Any]:
    """Both lists' items: of shared ones the order of `applied`, others where they stood."""
    had, wanted = [(element(of, item), item) for item in live], items(of, applied)
    before: dict[str, Any] = {}
    for key, item in had:
        before.setdefault(key, item)
    waiting = list(had)
    for key, item in wanted.items():
        if key in before:  # what stood before it comes before it still
            while waiting:
                at, other = waiting[0]
                if at in wanted:
                    if at != key:
                        break
                    waiting.pop(0)
                    break
                waiting.pop(0)
                yield other
            waiting = [pair for pair in waiting if pair[0] != key]
        yield merged(of.items, before.get(key, ABSENT), item)
    yield from (other for at, other in waiting if at not in wanted)


def misshapen(of: Type, value: Any, path: str = "") -> Iterator[str]:
    """What keeps a value's lists from being merged: items without a key, or with another's."""
    if isinstance(of, Array) and of.list_type != "atomic" and isinstance(value, list):
        yield from _misshapen_items(of, value, path)
        return
    for key, part, item in parts_of(of, value) or ():
        yield from misshapen(part, item, f"{path}.{key[2:]}")


def _misshapen_items(of: Array, value: list[Any], path: str) -> Iterator[str]:
    seen = set()
    for index, item in enumerate(value):
        missing = _missing_key(of, item)
        if missing:
            yield (
                f"{path}: element {index}: associative list with keys has an element that omits "
                f'key field "{missing}" (and doesn\'t have default value)'
            )
            continue
        key = element(of, item)
        if key in seen:
            yield f"{path}: duplicate entries for key {shown(key)}"
        seen.add(key)
        yield from misshapen(of.items, item, path + shown(key))


def _missing_key(of: Array, item: Any) -> str:
    if of.list_type != "map" or not isinstance(of.items, Struct):
        return ""
    known = {*item, *of.items.defaults}
    # As upstream: one of several keys is enough.
    return "" if known.intersection(of.keys) or not of.keys else of.keys[0]
