from netemu.api.tables import access
from netemu.model.meta import Object

CREATED = "2026-01-01T00:00:00Z"


def test_a_binding_shows_its_subjects_by_kind() -> None:
    obj: Object = {
        "metadata": {"name": "b", "creationTimestamp": CREATED},
        "roleRef": {"kind": "Role", "name": "r"},
        "subjects": [
            {"kind": "User", "name": "anne"},
            {"kind": "ServiceAccount", "name": "bot", "namespace": "n"},
        ],
    }
    name, role, _, *subjects = access.binding(obj, 0.0)
    assert (name, role, subjects) == ("b", "Role/r", ["anne", "", "n/bot"])


def test_a_role_shows_when_it_was_made() -> None:
    obj: Object = {"metadata": {"name": "r", "creationTimestamp": CREATED}}
    assert access.role(obj, 0.0) == ["r", CREATED]
