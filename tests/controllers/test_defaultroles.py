"""The roles every cluster has."""

from netemu.api.validation import validate
from netemu.controllers import defaultroles
from netemu.model.meta import name_of
from netemu.model.resources import BY_KEY, CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES


def test_they_meet_the_rules_and_every_binding_has_its_role() -> None:
    roles = defaultroles.cluster_roles()
    for role in roles:
        assert not validate(BY_KEY[CLUSTER_ROLES], role, None)
    for binding in defaultroles.cluster_role_bindings():
        assert not validate(BY_KEY[CLUSTER_ROLE_BINDINGS], binding, None)
        assert binding["roleRef"]["name"] in map(name_of, roles)


def test_manifests_find_the_names_they_count_on() -> None:
    names = {*map(name_of, defaultroles.cluster_roles())}
    assert names >= {"cluster-admin", "admin", "edit", "view", "system:discovery"}
