"""Facts about pods."""

from netemu.controllers.pods import (
    available_in,
    created_at,
    has_ended,
    is_active,
    is_ready,
    phase_of,
    ready_since,
    restarts,
)
from netemu.model.meta import Object
from tests.support.samples import NOW, pod

BARE: Object = {"metadata": {"name": "a"}, "spec": {"containers": []}}


def test_a_pod_nobody_reported_on_is_pending_and_active() -> None:
    assert phase_of(BARE) == "Pending"
    assert is_active(BARE)
    assert not is_ready(BARE)
    assert (ready_since(BARE), created_at(BARE), restarts(BARE)) == (0.0, 0.0, 0)


def test_ended_and_terminating_pods_are_not_active() -> None:
    assert has_ended(pod("a", phase="Failed"))
    assert not is_active(pod("a", phase="Succeeded"))
    assert not is_active(pod("a", deleting=True))


def test_availability_takes_its_time() -> None:
    assert available_in(pod("a", ready=False), 10, NOW) is None
    assert available_in(pod("a"), 0, NOW) == 0.0
    assert available_in(pod("a"), 10, NOW + 4) == 6.0
    assert available_in(pod("a"), 10, NOW + 10) == 0.0
