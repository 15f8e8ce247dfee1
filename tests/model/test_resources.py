from netemu.model import resources
from netemu.model.catalog import BUILT_IN
from netemu.model.resources import BY_KEY, BY_KIND, RESOURCES


def test_no_two_kinds_share_a_name() -> None:
    views = [resource for resource in RESOURCES if resource.stored_as]
    assert len(BY_KIND) == len(RESOURCES)
    assert len(BY_KEY) == len({*RESOURCES} - {*views})
    assert all(not BY_KEY[view.stored_as].stored_as for view in views)
    places = [(r.group, r.version, r.plural) for r in BUILT_IN.kinds]
    assert len(BUILT_IN.by_path) == len(set(places)) == len(places)


def test_short_names_are_unique() -> None:
    names = [
        name for resource in BY_KEY.values() for name in (resource.plural, *resource.short_names)
    ]
    assert len(names) == len(set(names))


def test_keys_and_versions_are_written_as_messages_and_objects_do() -> None:
    deployment = BY_KEY[resources.DEPLOYMENTS]
    assert (deployment.key, deployment.api_version) == ("deployments.apps", "apps/v1")
    assert (BY_KEY["pods"].api_version, BY_KEY["pods"].singular) == ("v1", "pod")


def test_every_named_constant_is_a_kind() -> None:
    constants = {k: v for k, v in vars(resources).items() if k[0].isalpha() and k.isupper()}
    named = [value for value in constants.values() if isinstance(value, str)]
    assert named
    assert set(named) <= set(BY_KEY)
