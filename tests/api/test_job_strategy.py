"""A Job and the selector that is made for it."""

from netemu.api.job_strategy import create_job
from netemu.model.meta import Object
from tests.controllers.jobs import manifest


def created(**spec: object) -> Object:
    obj = manifest(**spec)  # type: ignore[arg-type]
    obj["metadata"]["uid"] = "u1"
    create_job(obj)
    return obj


def test_it_selects_its_own_pods() -> None:
    spec = created()["spec"]
    labels = {"batch.kubernetes.io/controller-uid": "u1"}
    assert spec["selector"] == {"matchLabels": labels}
    assert spec["template"]["metadata"]["labels"] == {
        **labels,
        "batch.kubernetes.io/job-name": "pi",
        "controller-uid": "u1",
        "job-name": "pi",
    }


def test_unless_it_brings_a_selector() -> None:
    spec = created(manualSelector=True)["spec"]
    assert "selector" not in spec
    assert "metadata" not in spec["template"]
