from netemu.model.scalepaths import at, with_value


def test_values_are_found_and_put_under_a_path() -> None:
    obj = {"spec": {"a": {"b": 1}}, "x": 1}
    assert at(obj, ".spec.a.b") == 1
    assert at(obj, ".spec.z.b") is None
    assert with_value(obj, ".spec.a.c", 2) == {"spec": {"a": {"b": 1, "c": 2}}, "x": 1}
    assert with_value({}, ".spec.replicas", 2) == {"spec": {"replicas": 2}}
    assert obj == {"spec": {"a": {"b": 1}}, "x": 1}
