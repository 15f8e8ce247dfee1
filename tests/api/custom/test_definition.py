"""What is asked of definitions."""

from typing import Any

import pytest

from netemu.api.custom.definition import defaults, rules, update_rules
from netemu.model.meta import Object, copied
from tests.support.crontabs import definition, version


def filled(*versions: Object, **spec: Any) -> Object:
    obj: Object = copied(definition(*versions, **spec))
    defaults(obj)
    return obj


def refusals(obj: Object) -> list[str]:
    return [f"{cause.field}: {cause.message}" for cause in rules(obj)]


def test_a_good_one_has_nothing_wrong() -> None:
    assert refusals(filled()) == []


@pytest.mark.parametrize(
    ("obj", "words"),
    [
        (filled(scope="Galaxy"), 'spec.scope: Unsupported value: "Galaxy"'),
        (filled(group="example"), "should be a domain with at least one dot"),
        (filled(group="other.org"), 'must be spec.names.plural+"."+spec.group'),
        (filled(version(schema=None)), "spec.versions[0].schema.openAPIV3Schema: Required value"),
        (filled(version(storage=False)), "must have exactly one version marked as storage version"),
        (filled(version(), version(storage=False)), "must contain unique version names"),
        (
            filled(
                version(schema={"openAPIV3Schema": {"type": "object", "properties": {"a": {}}}})
            ),
            "properties[a].type: Required value: must not be empty for specified object fields",
        ),
    ],
)
def test_bad_ones(obj: Object, words: str) -> None:
    assert words in "\n".join(refusals(obj))


def test_a_version_that_was_stored_stays() -> None:
    old = {**filled(), "status": {"storedVersions": ["v1alpha1", "v1"]}}
    new = filled()
    new["metadata"]["resourceVersion"] = old["metadata"]["resourceVersion"] = "1"
    fields = [cause.field for cause in update_rules(new, old)]
    assert fields == ["status.storedVersions[0]"]


def test_names_stay() -> None:
    old, new = filled(), filled()
    for obj in (old, new):
        obj["metadata"]["resourceVersion"] = "1"
    new["spec"]["names"]["kind"] = "Other"
    fields = [cause.field for cause in update_rules(new, old)]
    assert fields == ["spec.names.kind"]
