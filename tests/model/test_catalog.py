from netemu.model.catalog import BUILT_IN, Catalog
from netemu.model.resources import RESOURCES, Resource


def test_every_kind_with_objects_is_kept_once() -> None:
    keys = [kind.key for kind in BUILT_IN.kept]
    assert len(keys) == len(set(keys))
    assert set(keys) == {kind.key for kind in RESOURCES}


def test_questions_have_paths_and_no_objects() -> None:
    path = ("authentication.k8s.io", "v1", "tokenreviews")
    assert path in BUILT_IN.by_path
    assert "tokenreviews.authentication.k8s.io" not in BUILT_IN.by_key


def test_of_two_versions_the_first_is_stored() -> None:
    first, second = (Resource("a.b", v, "Thing", "things") for v in ("v1", "v2"))
    catalog = Catalog([first, second])
    assert catalog.by_key["things.a.b"] is first
    assert catalog.by_path["a.b", "v2", "things"] is second
