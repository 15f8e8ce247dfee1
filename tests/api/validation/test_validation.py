from netemu.api.validation import validate
from netemu.model.meta import copied
from netemu.model.resources import BY_KEY, RESOURCES
from tests.support.objects import a_pod, created, named, refusals


def test_every_kind_has_rules() -> None:
    nameless = {"metadata": {"namespace": "default"}}
    for resource in RESOURCES:
        causes = validate(resource, {**nameless, "spec": {}}, None)
        assert "metadata.name" in [cause.field for cause in causes], resource.key


def test_a_cause_is_told_once() -> None:
    old = created("pods", a_pod())
    new = copied(old)
    new["metadata"]["labels"] = {"a b": ""}
    causes = validate(BY_KEY["pods"], new, old)
    assert len(causes) == len(set(causes)) == 1


def test_a_write_to_the_status_is_not_judged_by_its_spec() -> None:
    stored = a_pod()  # without defaults: the rules would have much to say
    assert refusals("pods", {**stored, "status": {"phase": "Running"}}, stored) == []
    assert refusals("pods", {**copied(stored), "status": {"phase": "Running"}}, stored) != []


def test_metadata_is_judged_whatever_is_written() -> None:
    stored = a_pod()
    new = {**stored, "metadata": {**stored["metadata"], "annotations": {"a b": ""}}}
    assert len(refusals("pods", new, stored)) == 1


def test_a_kind_without_status_has_no_such_way_in() -> None:
    lease = named(spec={"leaseDurationSeconds": 0})
    assert len(refusals("leases.coordination.k8s.io", {**lease}, lease)) == 1
