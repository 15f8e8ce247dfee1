import pytest
from msgspec.structs import replace

from netemu.model.errors import BadRequest
from netemu.model.meta import Object
from netemu.node.log_choice import chosen_life
from netemu.node.pod import pod_from
from netemu.node.state import Container, Life, Waiting
from tests.support.node import container, pod

LIFE = Life(id="a", started=1.0)
ENDED = replace(LIFE, finished=2.0, code=1)
BACK_OFF = Waiting("CrashLoopBackOff")

FOUND = [
    ("the life that runs", Container(life=LIFE, restarts=2, previous=ENDED), False, 2),
    ("the one before it", Container(life=LIFE, restarts=2, previous=ENDED), True, 1),
    ("a life that has ended", Container(life=ENDED, restarts=2), False, 2),
    ("the last one while waiting", Container(life=ENDED, restarts=2, waiting=BACK_OFF), False, 2),
    ("which is also the previous", Container(life=ENDED, restarts=2, waiting=BACK_OFF), True, 2),
    ("one from before a restart of the node", Container(previous=ENDED, restarts=3), False, 2),
]


@pytest.mark.parametrize(
    ("name", "state", "previous", "number"), FOUND, ids=[case[0] for case in FOUND]
)
def test_the_life_that_is_shown(name: str, state: Container, previous: bool, number: int) -> None:
    target = pod_from(pod())
    assert chosen_life(target, target.containers[0], state, previous) == number


WAITS = 'container "main" in pod "web" is waiting to start: '
REFUSED = [
    (pod(), Container(), False, WAITS + "ContainerCreating"),
    (pod(initContainers=[container("setup")]), Container(), False, WAITS + "PodInitializing"),
    (
        pod(),
        Container(waiting=Waiting("ErrImagePull")),
        False,
        WAITS + "image can't be pulled",
    ),
    (
        pod(),
        Container(waiting=Waiting("ImagePullBackOff")),
        False,
        WAITS + "trying and failing to pull image",
    ),
    (
        pod(),
        Container(waiting=Waiting("CreateContainerConfigError")),
        False,
        WAITS + "CreateContainerConfigError",
    ),
    (
        pod(),
        Container(life=LIFE),
        True,
        'previous terminated container "main" in pod "web" not found',
    ),
]


@pytest.mark.parametrize(("obj", "state", "previous", "words"), REFUSED)
def test_why_there_is_no_log(obj: Object, state: Container, previous: bool, words: str) -> None:
    target = pod_from(obj)
    with pytest.raises(BadRequest) as raised:
        chosen_life(target, target.spec("main"), state, previous)
    assert str(raised.value) == words
