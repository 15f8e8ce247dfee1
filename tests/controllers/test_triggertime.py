"""When the change happened that endpoints show."""

from netemu.controllers.actions import Create, Delete
from netemu.controllers.targets import TRIGGER_TIME, Target, target_from
from netemu.controllers.triggertime import TriggerTimes, stamped
from netemu.model import resources
from netemu.model.meta import Object, annotations_of
from tests.support.samples import NOW, pod, service

KEY = ("default", "web")


def target(name: str, since: float) -> Target:
    found = target_from(service(), pod(name, ip="10.244.1.1", since=since))
    assert found is not None
    return found


def test_the_first_look_tells_of_the_service_and_later_ones_of_pods() -> None:
    times = TriggerTimes()
    assert times.observe(KEY, service(), [target("a", NOW + 5)]) == NOW
    assert times.observe(KEY, service(), [target("a", NOW + 5)]) is None
    later = [target("a", NOW + 9), target("b", NOW + 7)]
    assert times.observe(KEY, service(), later) == NOW + 7
    times.forget(KEY)
    assert times.observe(KEY, service(), later) == NOW


def test_a_time_is_noted_and_an_old_one_goes() -> None:
    part: Object = {"metadata": {"name": "a", "annotations": {TRIGGER_TIME: "old", "x": "y"}}}
    action = Create(resources.ENDPOINT_SLICES, part)
    noted = stamped(action, NOW)
    assert isinstance(noted, Create)
    assert annotations_of(noted.obj) == {"x": "y", TRIGGER_TIME: "2023-11-14T22:13:20Z"}
    plain = stamped(action, None)
    assert isinstance(plain, Create)
    assert annotations_of(plain.obj) == {"x": "y"}
    delete = Delete(resources.ENDPOINT_SLICES, part)
    assert stamped(delete, NOW) is delete
