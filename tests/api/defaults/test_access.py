from netemu.api.defaults.access import binding
from netemu.model.meta import Object


def test_groups_follow_from_kinds() -> None:
    subjects: list[Object] = [{"kind": "User"}, {"kind": "ServiceAccount"}, {"kind": "Group"}]
    obj: Object = {"roleRef": {"kind": "Role"}, "subjects": subjects}
    binding(obj)
    group = "rbac.authorization.k8s.io"
    assert obj["roleRef"]["apiGroup"] == group
    assert [item.get("apiGroup") for item in subjects] == [group, None, group]
