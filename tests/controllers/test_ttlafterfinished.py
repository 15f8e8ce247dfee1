"""When finished Jobs go."""

from netemu.clock import rfc3339
from netemu.controllers.ttlafterfinished import due_in
from netemu.model.meta import Object
from tests.controllers.jobs import job
from tests.support.samples import NOW


def finished(kind: str) -> Object:
    return {"conditions": [{"type": kind, "status": "True", "lastTransitionTime": rfc3339(NOW)}]}


def test_some_time_after_the_end() -> None:
    for kind in ("Complete", "Failed"):
        assert due_in(job(finished(kind), ttlSecondsAfterFinished=10), NOW + 4) == 6.0
        assert due_in(job(finished(kind), ttlSecondsAfterFinished=10), NOW + 40) == 0.0


def test_never_without_a_time_or_an_end() -> None:
    assert due_in(job(finished("Complete")), NOW) is None
    assert due_in(job(ttlSecondsAfterFinished=10), NOW) is None
