import random

import pytest

from netemu.api import metadata
from netemu.model.errors import BadRequest
from netemu.model.meta import Object
from netemu.model.resources import BY_KEY

CONFIG_MAP, DEPLOYMENT = BY_KEY["configmaps"], BY_KEY["deployments.apps"]
NAMESPACE, SLICE = BY_KEY["namespaces"], BY_KEY["endpointslices.discovery.k8s.io"]


def test_a_generated_name_keeps_its_prefix_and_has_five_letters_nobody_reads_words_in() -> None:
    name = metadata.generated_name("web-", random.Random(1))
    assert name.startswith("web-")
    assert len(name) == 9
    assert set(name[4:]) <= set(metadata.NAME_ALPHABET)


def test_a_long_prefix_is_cut_so_that_the_name_fits_a_label() -> None:
    assert len(metadata.generated_name("x" * 80, random.Random(1))) == 63


def test_a_new_object_gets_an_identity_whatever_it_says_of_itself() -> None:
    claims = {
        "name": "a",
        "uid": "mine",
        "creationTimestamp": None,
        "deletionTimestamp": "2020-01-01T00:00:00Z",
        "generation": 7,
        "selfLink": "/x",
    }
    new = metadata.for_create(DEPLOYMENT, {"metadata": claims}, uid="u", now=0.0)
    assert new["metadata"] == {
        "name": "a",
        "uid": "u",
        "creationTimestamp": "1970-01-01T00:00:00Z",
        "generation": 1,
    }


def test_kinds_without_generations_get_none() -> None:
    new = metadata.for_create(CONFIG_MAP, {"metadata": {"name": "a"}}, uid="u", now=0.0)
    assert "generation" not in new["metadata"]


def test_a_new_object_names_no_version() -> None:
    given = {"metadata": {"name": "a", "resourceVersion": "5"}}
    with pytest.raises(metadata.VersionOnCreate, match="should not be set on objects to be"):
        metadata.for_create(CONFIG_MAP, given, uid="u", now=0.0)


def test_a_replacement_keeps_what_is_the_servers() -> None:
    old = {"metadata": {"name": "a", "uid": "u", "resourceVersion": "3", "generation": 2}}
    new = {"metadata": {"name": "a", "uid": "x", "deletionTimestamp": "now", "labels": {"a": "b"}}}
    assert metadata.for_update(new, old)["metadata"] == {
        "name": "a",
        "labels": {"a": "b"},
        "uid": "u",
        "resourceVersion": "3",
        "generation": 2,
    }


@pytest.mark.parametrize(
    ("changed", "counts"),
    [
        pytest.param({"spec": {"replicas": 2}}, True, id="its spec"),
        pytest.param({"status": {"replicas": 2}}, False, id="not its status"),
        pytest.param({"metadata": {"labels": {"a": "b"}, "generation": 1}}, False, id="nor labels"),
        pytest.param({"metadata": {"annotations": {"a": "b"}, "generation": 1}}, True, id="notes"),
    ],
)
def test_a_deployment_has_a_new_generation_when_its_controller_must_look(
    changed: Object, counts: bool
) -> None:
    old = {"metadata": {"generation": 1}, "spec": {"replicas": 1}, "status": {}}
    new = metadata.with_generation(DEPLOYMENT, {**old, **changed}, old)
    assert new["metadata"]["generation"] == (2 if counts else 1)


def test_a_slice_has_a_new_generation_when_its_endpoints_change() -> None:
    old = {"metadata": {"generation": 1}, "endpoints": []}
    new = metadata.with_generation(SLICE, {**old, "endpoints": [{"addresses": ["10.0.0.1"]}]}, old)
    assert new["metadata"]["generation"] == 2


def test_the_namespace_is_that_of_the_url() -> None:
    assert metadata.in_namespace(CONFIG_MAP, {}, "a")["metadata"] == {"namespace": "a"}
    with pytest.raises(BadRequest, match=r"does not match the namespace .* \(b != a\)"):
        metadata.in_namespace(CONFIG_MAP, {"metadata": {"namespace": "b"}}, "a")


def test_what_has_no_namespace_must_not_claim_one() -> None:
    assert "namespace" not in metadata.in_namespace(NAMESPACE, {}, "")["metadata"]
    with pytest.raises(BadRequest):
        metadata.in_namespace(NAMESPACE, {"metadata": {"namespace": "b"}}, "")


def test_the_name_is_that_of_the_url() -> None:
    assert metadata.named({"metadata": {}}, "a")["metadata"] == {"name": "a"}
    with pytest.raises(BadRequest, match=r"\(b\) does not match the name on the URL \(a\)"):
        metadata.named({"metadata": {"name": "b"}}, "a")


def test_fields_are_written_in_gos_order() -> None:
    given = {
        "status": {},
        "spec": {},
        "metadata": {"labels": {}, "uid": "u", "name": "a"},
        "apiVersion": "v1",
        "kind": "Pod",
    }
    found = metadata.ordered(given)
    assert list(found) == ["kind", "apiVersion", "metadata", "spec", "status"]
    assert list(found["metadata"]) == ["name", "uid", "resourceVersion", "labels"]
