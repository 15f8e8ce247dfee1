import pytest

from netemu.model.meta import Object
from netemu.node.pod import pod_from
from netemu.node.state import Container, Life, PodState, done, failed_init, finished
from tests.support.node import container, pod

LIFE = Life(id="a", started=1.0)


def ended(code: int) -> Container:
    return Container(life=Life(id="a", started=1.0, finished=2.0, code=code))


@pytest.mark.parametrize(
    ("policy", "code", "for_good"),
    [
        ("Always", 0, False),
        ("Always", 1, False),
        ("OnFailure", 0, True),
        ("OnFailure", 1, False),
        ("Never", 0, True),
        ("Never", 1, True),
    ],
)
def test_whether_an_end_is_for_good(policy: str, code: int, for_good: bool) -> None:
    target = pod_from(pod(restartPolicy=policy))
    assert done(target, target.containers[0], ended(code)) is for_good
    assert not done(target, target.containers[0], Container(life=LIFE))
    assert not done(target, target.containers[0], Container())


def test_an_init_container_that_succeeded_is_done_under_any_policy() -> None:
    target = pod_from(pod(initContainers=[container("setup")]))
    assert done(target, target.spec("setup"), ended(0))
    assert not done(target, target.spec("setup"), ended(1))


def test_a_sidecar_is_never_done() -> None:
    sidecar = container("proxy", restartPolicy="Always")
    target = pod_from(pod(initContainers=[sidecar], restartPolicy="Never"))
    assert not done(target, target.spec("proxy"), ended(0))


WITH_INIT = pod(initContainers=[container("setup")], restartPolicy="Never")


@pytest.mark.parametrize(
    ("obj", "setup", "main", "over"),
    [
        (WITH_INIT, ended(1), Container(), True),
        (WITH_INIT, ended(0), Container(), False),
        (WITH_INIT, ended(0), ended(0), True),
        (WITH_INIT, ended(0), Container(life=LIFE), False),
    ],
)
def test_when_a_pod_is_finished(obj: Object, setup: Container, main: Container, over: bool) -> None:
    state = PodState(containers={"setup": setup, "main": main})
    assert finished(pod_from(obj), state) is over


def test_a_failed_init_container_is_told_apart() -> None:
    target = pod_from(WITH_INIT)
    assert failed_init(target, PodState(containers={"setup": ended(1), "main": Container()}))
    assert not failed_init(target, PodState(containers={"setup": ended(0), "main": ended(1)}))


def test_what_counts_as_ready() -> None:
    assert Container(life=LIFE, started=True, serving=True).ready
    assert not Container(life=LIFE, started=False, serving=True).ready
    assert not Container(life=LIFE, started=True, serving=False).ready
    assert not Container(started=True, serving=True).ready
