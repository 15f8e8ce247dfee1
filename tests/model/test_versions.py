"""The order of an API's versions."""

from netemu.model.versions import version_order


def test_stable_ones_come_first_and_newer_before_older() -> None:
    given = ["foo10", "v12alpha1", "v1", "v3beta1", "foo1", "v11beta2", "v2", "v10", "v10beta3"]
    wanted = ["v10", "v2", "v1", "v11beta2", "v10beta3", "v3beta1", "v12alpha1", "foo1", "foo10"]
    assert sorted(given, key=version_order) == wanted
