"""Strategic merge patch: a merge patch that knows lists, by the schema.

Lists with the strategy "merge" merge item by item, by their merge key; all others are replaced.
Directives in the patch: ``$patch: replace|delete|merge``, ``$retainKeys``,
``$setElementOrder/<list>`` and ``$deleteFromPrimitiveList/<list>`` (design proposals
strategic-merge-patch and preserve-order-in-strategic-merge-patch; apimachinery's strategicpatch).
Neither the object nor the patch is changed; parts of both appear in the result.
"""

from typing import Any, Final

from netemu.api.schema import Array, Map, Struct, Type
from netemu.model.errors import ApiError, BadRequest
from netemu.model.meta import Object

PATCH: Final = "$patch"
RETAIN: Final = "$retainKeys"
ORDER: Final = "$setElementOrder/"
DELETE: Final = "$deleteFromPrimitiveList/"


class Unmergeable(ApiError):
    """The patch makes no sense for the object; upstream answers this with a bare 500."""

    code, reason = 500, ""


def merge(of: Type | None, current: Object, patch: Object) -> Object:
    """`current` with `patch` merged in; `of` is its type, None where the schema knows none.

    Raises BadRequest for malformed directives, Unmergeable for items without their key.
    """
    if PATCH in patch:
        return _replaced(patch)
    result = _retained(current, patch)
    for name, value in patch.items():
        if name == RETAIN or name.startswith(ORDER):
            continue
        if name.startswith(DELETE):
            _delete_values(result, name.removeprefix(DELETE), value)
        elif value is None:
            result.pop(name, None)
        else:
            order = patch.get(ORDER + name)
            result[name] = _merged(_field(of, name), result.get(name), value, order)
    for name, order in patch.items():
        if name.startswith(ORDER):
            field = name.removeprefix(ORDER)
            _reorder(_field(of, field), result, field, order, current.get(field))
    return result


def _replaced(patch: Object) -> Object:
    match patch[PATCH]:
        case "replace":
            return {name: value for name, value in patch.items() if name != PATCH}
        case "delete":
            return {}
        case other:
            raise _unknown_patch(other, patch)


def _unknown_patch(what: Any, where: Object) -> Unmergeable:
    return Unmergeable(f"unknown patch type: {what} in map: {go_map(where)}")


def _retained(current: Object, patch: Object) -> Object:
    """What $retainKeys leaves; the patch must not set what it doesn't retain."""
    if RETAIN not in patch:
        return dict(current)
    keys = patch[RETAIN]
    if not isinstance(keys, list):
        raise BadRequest("invalid patch format of retainKeys")
    for name, value in patch.items():
        if value is not None and not name.startswith("$") and name not in keys:
            raise BadRequest("invalid patch format of retainKeys")
    return {name: value for name, value in current.items() if name in keys}


def _field(of: Type | None, name: str) -> Type | None:
    if isinstance(of, Struct):
        return of.fields.get(name)
    return of.values if isinstance(of, Map) else None


def _merged(of: Type | None, current: Any, value: Any, order: Any) -> Any:
    if isinstance(value, dict):
        return merge(of, current if isinstance(current, dict) else {}, value)
    if isinstance(value, list) and isinstance(of, Array) and of.merges:
        if order is not None:
            _check_order(of, value, order)
        return _merged_list(of, current if isinstance(current, list) else [], value)
    return value


def _delete_values(result: Object, name: str, values: Any) -> None:
    if not isinstance(values, list):
        raise BadRequest("invalid patch format of primitive list")
    if isinstance(result.get(name), list):
        result[name] = [item for item in result[name] if item not in values]


def _merged_list(of: Array, current: list[Any], patch: list[Any]) -> list[Any]:
    """A list that merges: the patch's items among the others, in an order that suits both."""
    if not of.merge_key:
        added = [item for index, item in enumerate(patch) if item not in patch[:index]]
        items = [*current, *(item for item in added if item not in current)]
        return _ordered(of, items, added, current)
    live, added = _without_directives(of, current, patch)
    items = list(live)
    for change in added:
        at = _index(of, items, _key(of, change))
        if at is None:
            items.append(merge(of.items, {}, change))
        else:
            items[at] = merge(of.items, items[at], change)
    return _ordered(of, items, added, live)


def _without_directives(
    of: Array, current: list[Any], patch: list[Any]
) -> tuple[list[Any], list[Any]]:
    """The list after ``$patch: delete`` and ``replace``, and the items that remain to merge."""
    items, added, replaces = list(current), [], False
    for change in patch:
        if not isinstance(change, dict):
            raise Unmergeable("list element types are not identical")
        match change.get(PATCH):
            case None:
                added.append(change)
            case "delete":
                key = _key(of, change)
                items = [item for item in items if item.get(of.merge_key) != key]
            case "replace":
                replaces = True
            case "merge":
                raise Unmergeable("merging lists cannot yet be specified in the patch")
            case other:
                raise _unknown_patch(other, change)
    return ([] if replaces else items), added


def _key(of: Array, item: Any) -> Any:
    """What tells an item apart. Raises Unmergeable when it isn't there."""
    if not of.merge_key:
        return item
    if not isinstance(item, dict) or of.merge_key not in item:
        message = f"map: {go_map(item)} does not contain declared merge key: {of.merge_key}"
        raise Unmergeable(message)
    return item[of.merge_key]


def _index(of: Array, items: list[Any], key: Any) -> int | None:
    """Where the first item with that key is."""
    for index, item in enumerate(items):
        if (item.get(of.merge_key) if of.merge_key else item) == key:
            return index
    return None


def _check_order(of: Array, patch: list[Any], order: Any) -> None:
    """The patch's items must appear in $setElementOrder, in the same sequence."""
    if not isinstance(order, list):
        raise BadRequest(_BAD_ORDER)
    rest = iter([_key(of, item) for item in order])
    for item in patch:
        marked = isinstance(item, dict) and PATCH in item
        if order and not marked and _key(of, item) not in rest:
            raise Unmergeable(
                f"The order in patch list:\n{go_map(patch)}\n doesn't match "
                f"$setElementOrder list:\n{go_map(order)}\n"
            )


def _reorder(of: Type | None, result: Object, name: str, order: Any, before: Any) -> None:
    """Obey $setElementOrder for one list."""
    if not isinstance(order, list):
        raise BadRequest(_BAD_ORDER)
    if isinstance(of, Array) and of.merges and isinstance(result.get(name), list):
        live = before if isinstance(before, list) else []
        result[name] = _ordered(of, result[name], order, live)


def _ordered(of: Array, items: list[Any], order: list[Any], live: list[Any]) -> list[Any]:
    """`items` with those of `order` in its sequence and the others in theirs.

    The two are merged: one of the others goes first only when it stood before its rival in the
    live list, so what is new leads.
    """
    keys = [_key(of, item) for item in order]
    wanted = [item for key in keys for item in items if _key(of, item) == key]
    others = [item for item in items if _key(of, item) not in keys]
    result = []
    while wanted and others:
        first = _index(of, live, _key(of, wanted[0]))
        second = _index(of, live, _key(of, others[0]))
        leads = first is not None and second is not None and second < first
        result.append((others if leads else wanted).pop(0))
    return [*result, *wanted, *others]


_BAD_ORDER: Final = "invalid patch format of setElementOrder list"


def go_map(value: Any) -> str:
    """JSON as Go prints it with %v: sorted, without quotes."""
    if isinstance(value, dict):
        return "map[" + " ".join(f"{key}:{go_map(value[key])}" for key in sorted(value)) + "]"
    if isinstance(value, list):
        return "[" + " ".join(map(go_map, value)) + "]"
    if value is None:
        return "<nil>"
    return str(value).lower() if isinstance(value, bool) else str(value)
