from netemu.api.defaults.parts import child, drop_zero, fill, fill_absent
from netemu.model.meta import Object


def test_what_go_cannot_tell_from_absent_is_filled() -> None:
    target: Object = {"a": "", "b": 0, "c": None, "d": "x", "e": False}
    fill(target, a="1", b=1, c=1, d="1", f=1)
    assert target == {"a": "1", "b": 1, "c": 1, "d": "x", "e": False, "f": 1}


def test_what_is_a_pointer_in_go_is_filled_only_when_absent() -> None:
    target: Object = {"a": "", "b": 0, "c": None}
    fill_absent(target, a="1", b=1, c=1, d=1)
    assert target == {"a": "", "b": 0, "c": 1, "d": 1}


def test_zero_is_dropped() -> None:
    target: Object = {"a": "", "b": 0, "c": [], "d": {}, "e": False, "f": 1, "g": 0}
    drop_zero(target, "a", "b", "c", "d", "e", "f", "h")
    assert target == {"f": 1, "g": 0}


def test_a_map_is_made_where_there_is_none() -> None:
    target: Object = {"a": {"x": 1}, "b": None}
    child(target, "a")["y"] = 2
    child(target, "b")["z"] = 3
    child(target, "c")
    assert target == {"a": {"x": 1, "y": 2}, "b": {"z": 3}, "c": {}}
