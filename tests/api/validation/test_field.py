from netemu.api.validation import field
from netemu.api.validation.field import SPEC, Path
from netemu.api.validation.goformat import Literal
from netemu.model.errors import Cause


def test_a_path_names_fields_items_and_keys() -> None:
    path = SPEC.child("ports").index(1).child("name")
    assert str(path) == "spec.ports[1].name"
    assert str(Path("data").key("a.b")) == "data[a.b]"
    assert str(SPEC.child("template", "metadata")) == "spec.template.metadata"


def test_causes_say_what_a_cluster_says() -> None:
    path = Path("x")
    assert [
        field.required(path),
        field.required(path, "why"),
        field.invalid(path, "a", "must be b"),
        field.not_supported(path, "a", ("b", "c")),
        field.duplicate(path, 80),
        field.not_found(path, "a"),
        field.forbidden(path, "no"),
        field.too_long(path, 1024),
        field.too_many(path, 3, 2),
    ] == [
        Cause("FieldValueRequired", "Required value", "x"),
        Cause("FieldValueRequired", "Required value: why", "x"),
        Cause("FieldValueInvalid", 'Invalid value: "a": must be b', "x"),
        Cause("FieldValueNotSupported", 'Unsupported value: "a": supported values: "b", "c"', "x"),
        Cause("FieldValueDuplicate", "Duplicate value: 80", "x"),
        Cause("FieldValueNotFound", 'Not found: "a"', "x"),
        Cause("FieldValueForbidden", "Forbidden: no", "x"),
        Cause("FieldValueTooLong", "Too long: may not be more than 1024 bytes", "x"),
        Cause("FieldValueTooMany", "Too many: 3: must have at most 2 items", "x"),
    ]


def test_absent_null_and_empty_are_the_same() -> None:
    assert field.same({"a": [], "b": None, "c": {}}, {})
    assert field.same({"a": {"b": []}}, {"a": None})
    assert not field.same({"a": 0}, {})
    assert list(field.immutable(Path("x"), Literal("v"), 1)) == [
        Cause("FieldValueInvalid", "Invalid value: v: field is immutable", "x")
    ]
