from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from netemu.model.meta import Object
from netemu.node.backoff import BackOff
from netemu.node.plan import (
    Action,
    CreateSandbox,
    Delete,
    Hold,
    Kill,
    Plan,
    Prepare,
    RemoveSandbox,
    Start,
    Stop,
    plan,
)
from netemu.node.pod import Pod, pod_from
from netemu.node.state import Container, Life, PodState, Stopping, Waiting
from tests.support.node import container, pod

RUNNING = Container(life=Life(id="a", started=1.0), started=True, serving=True, image="busybox")


def exited(code: int = 0, **fields: Any) -> Container:
    life = Life(id="a", started=1.0, finished=2.0, code=code)
    return Container(life=life, image="busybox", **fields)


def state(*containers: Container, sandbox: bool = True, **fields: Any) -> PodState:
    names = ("main", "second", "third")
    return PodState(
        containers=dict(zip(names, containers, strict=False)), sandbox=sandbox, **fields
    )


def deleting(obj: Object, grace: int = 30) -> Object:
    meta = {**obj["metadata"], "deletionTimestamp": "now", "deletionGracePeriodSeconds": grace}
    return {**obj, "metadata": meta}


TWO = pod(container(), container("second"))
ONCE = pod(restartPolicy="Never")
ON_FAILURE = pod(restartPolicy="OnFailure")
WITH_INIT = pod(container("second"), initContainers=[container()])
WITH_SIDECAR = pod(
    container("second"), container("third"), initContainers=[container(restartPolicy="Always")]
)
WITH_HOOK = pod(
    container("second"),
    initContainers=[
        container(restartPolicy="Always", lifecycle={"preStop": {"exec": {"command": ["true"]}}})
    ],
)
WITH_DEBUGGER = pod(
    container(), ephemeralContainers=[container("second")], initContainers=[container("third")]
)
BACKING_OFF = BackOff(delay=10.0, tried=100.0)
STOPPING = Stopping(since=100.0, grace=30.0)

CASES: list[tuple[str, Object, PodState, float, Plan]] = [
    (
        "an ephemeral container starts even while an init container fails",
        WITH_DEBUGGER,
        state(Container(), Container(), Container(retry_at=200.0)),
        100.0,
        Plan((Start("second"),), 200.0),
    ),
    (
        "an ephemeral container is not started again",
        WITH_DEBUGGER,
        state(RUNNING, exited(1), exited(0)),
        100.0,
        Plan(),
    ),
    (
        "a new pod gets a sandbox",
        pod(),
        state(Container(), sandbox=False),
        0,
        Plan((CreateSandbox(),)),
    ),
    (
        "one that failed is tried again in time",
        pod(),
        state(Container(), sandbox=False, sandbox_retry_at=5.0),
        3.0,
        Plan((), 5.0),
    ),
    (
        "then its containers start",
        TWO,
        state(Container(), Container()),
        0,
        Plan((Start("main"), Start("second"))),
    ),
    ("a running pod needs nothing", pod(), state(RUNNING), 0, Plan()),
    (
        "init containers come first",
        WITH_INIT,
        state(Container(), Container()),
        0,
        Plan((Start("main"),)),
    ),
    ("and are waited for", WITH_INIT, state(RUNNING, Container()), 0, Plan()),
    (
        "until they have succeeded",
        WITH_INIT,
        state(exited(), Container()),
        0,
        Plan((Start("second"),)),
    ),
    (
        "a failed one is started again",
        WITH_INIT,
        state(exited(1, ended=100.0), Container()),
        100.0,
        Plan((Start("main"),)),
    ),
    (
        "a sidecar need not end, only start",
        WITH_SIDECAR,
        state(replace(RUNNING, started=False), Container(), Container()),
        0,
        Plan(),
    ),
    (
        "then the others follow",
        WITH_SIDECAR,
        state(RUNNING, Container(), Container()),
        0,
        Plan((Start("second"), Start("third"))),
    ),
    (
        "the first restart is immediate",
        pod(),
        state(exited(1, ended=100.0)),
        100.0,
        Plan((Start("main"),)),
    ),
    (
        "the next one waits and says so",
        pod(),
        state(exited(1, ended=101.0, restarting=BACKING_OFF)),
        101.0,
        Plan((Hold("main", 10.0),), 111.0),
    ),
    (
        "once",
        pod(),
        state(exited(1, ended=101.0, restarting=BACKING_OFF, waiting=Waiting("CrashLoopBackOff"))),
        102.0,
        Plan((), 111.0),
    ),
    (
        "until its time has come",
        pod(),
        state(exited(1, ended=101.0, restarting=BACKING_OFF, waiting=Waiting("CrashLoopBackOff"))),
        111.0,
        Plan((Start("main"),)),
    ),
    (
        "another image makes it start at once",
        pod(container(image="alpine")),
        state(exited(1, ended=101.0, restarting=BACKING_OFF, waiting=Waiting("CrashLoopBackOff"))),
        102.0,
        Plan((Start("main"),)),
    ),
    (
        "and replaces one that runs",
        pod(container(image="alpine")),
        state(RUNNING),
        102.0,
        Plan((Stop("main", 30.0, "Container main definition changed, will be restarted"),)),
    ),
    (
        "an image nobody knows is shown as an error first",
        pod(),
        state(
            Container(
                waiting=Waiting("ErrImagePull"),
                retry_at=110.0,
                pulling=BackOff(delay=10.0, tried=100.0),
            )
        ),
        100.5,
        Plan((), 101.0),
    ),
    (
        "then as a back-off",
        pod(),
        state(
            Container(
                waiting=Waiting("ErrImagePull"),
                retry_at=110.0,
                pulling=BackOff(delay=10.0, tried=100.0),
            )
        ),
        101.0,
        Plan((Hold("main", 10.0),), 110.0),
    ),
    ("Never means never", ONCE, state(exited(1)), 0, Plan((RemoveSandbox(),))),
    ("OnFailure leaves a success alone", ON_FAILURE, state(exited(0)), 0, Plan((RemoveSandbox(),))),
    ("OnFailure starts a failure again", ON_FAILURE, state(exited(1)), 0, Plan((Start("main"),))),
    ("a pod that is over needs nothing", ONCE, state(exited(0), sandbox=False), 0, Plan()),
    (
        "a failed init container ends a pod that never restarts",
        pod(container("second"), initContainers=[container()], restartPolicy="Never"),
        state(exited(1), Container()),
        0,
        Plan((RemoveSandbox(),)),
    ),
    (
        "when the work is done the sidecars are stopped",
        pod(
            container("second"),
            initContainers=[container(restartPolicy="Always")],
            restartPolicy="Never",
        ),
        state(RUNNING, exited(0)),
        0,
        Plan((Stop("main", 30.0, "Stopping container main"),)),
    ),
    (
        "a failed probe stops the container",
        pod(),
        state(replace(RUNNING, unhealthy="so it is", unhealthy_grace=5.0)),
        100.0,
        Plan((Stop("main", 5.0, "so it is"),)),
    ),
    (
        "and kills it after its grace period",
        pod(),
        state(replace(RUNNING, unhealthy="so it is", stopping=Stopping(since=100.0, grace=5.0))),
        105.0,
        Plan((Kill("main"),)),
    ),
    (
        "deletion stops every container",
        deleting(TWO),
        state(RUNNING, RUNNING, ending_since=100.0),
        100.0,
        Plan(
            (
                Stop("main", 30.0, "Stopping container main"),
                Stop("second", 30.0, "Stopping container second"),
            )
        ),
    ),
    (
        "and waits for its grace period",
        deleting(pod()),
        state(replace(RUNNING, stopping=STOPPING), ending_since=100.0),
        110.0,
        Plan((), 130.0),
    ),
    (
        "which may be shortened meanwhile",
        deleting(pod(), grace=5),
        state(replace(RUNNING, stopping=STOPPING), ending_since=100.0),
        110.0,
        Plan((Kill("main"),)),
    ),
    (
        "a preStop hook that took all of it leaves two seconds",
        deleting(pod()),
        state(
            replace(RUNNING, stopping=replace(STOPPING, earliest_kill=132.0)), ending_since=100.0
        ),
        130.5,
        Plan((), 132.0),
    ),
    (
        "nothing is killed twice",
        deleting(pod()),
        state(replace(RUNNING, stopping=replace(STOPPING, killed=True)), ending_since=100.0),
        140.0,
        Plan(),
    ),
    (
        "sidecars are stopped after the others",
        deleting(WITH_SIDECAR),
        state(RUNNING, replace(RUNNING, stopping=STOPPING), exited(), ending_since=100.0),
        101.0,
        Plan((), 130.0),
    ),
    (
        "but their preStop hooks run at once",
        deleting(WITH_HOOK),
        state(RUNNING, replace(RUNNING, stopping=STOPPING), ending_since=100.0),
        101.0,
        Plan((Prepare("main", 30.0),), 130.0),
    ),
    (
        "each once",
        deleting(WITH_HOOK),
        state(
            replace(RUNNING, prepared=True), replace(RUNNING, stopping=STOPPING), ending_since=100.0
        ),
        101.0,
        Plan((), 130.0),
    ),
    (
        "but share their deadline",
        deleting(WITH_SIDECAR),
        state(RUNNING, exited(), exited(), ending_since=100.0),
        120.0,
        Plan((Stop("main", 30.0, "Stopping container main"),)),
    ),
    ("then the sandbox goes", deleting(pod()), state(exited()), 0, Plan((RemoveSandbox(),))),
    (
        "and at last the object",
        deleting(pod()),
        state(exited(), sandbox=False),
        0,
        Plan((Delete(),)),
    ),
    ("once", deleting(pod()), state(exited(), sandbox=False, deleted=True), 0, Plan()),
    (
        "a pod without its object is killed at once",
        pod(),
        state(RUNNING, gone=True, ending_since=100.0),
        100.0,
        Plan((Kill("main"),)),
    ),
    ("and cleared away", pod(), state(exited(137), gone=True), 0, Plan((RemoveSandbox(),))),
    (
        "when the agent stops, its own patience counts",
        pod(),
        state(RUNNING, halted=True, halt_grace=3.0, ending_since=100.0),
        100.0,
        Plan((Stop("main", 3.0, "Stopping container main"),)),
    ),
    ("and the object stays", pod(), state(exited(), sandbox=False, halted=True), 0, Plan()),
    (
        "a pod from before that is over is left alone",
        ONCE,
        state(Container(), sandbox=False, over=True),
        0,
        Plan(),
    ),
]


@pytest.mark.parametrize(
    ("name", "obj", "now_is", "at", "expected"), CASES, ids=[case[0] for case in CASES]
)
def test_plan(name: str, obj: Object, now_is: PodState, at: float, expected: Plan) -> None:
    assert plan(pod_from(obj), now_is, at) == expected


def carried_out(target: Pod, before: PodState, action: Action, now: float) -> PodState:
    """What the agent makes of an action: the same changes, without processes."""

    def change(name: str, **fields: Any) -> PodState:
        changed = replace(before.containers[name], **fields)
        return replace(before, containers={**before.containers, name: changed})

    match action:
        case CreateSandbox():
            return replace(before, sandbox=True)
        case RemoveSandbox():
            return replace(before, sandbox=False)
        case Start():
            image = target.spec(action.name).image
            return change(
                action.name,
                life=Life(id="b"),
                waiting=None,
                stopping=None,
                image=image,
                unhealthy="",
            )
        case Prepare():
            return change(action.name, prepared=True)
        case Hold():
            return change(action.name, waiting=Waiting("BackOff"))
        case Stop():
            return change(action.name, stopping=Stopping(since=now, grace=action.grace))
        case Kill():
            found = before.containers[action.name].stopping or Stopping(since=now, grace=0.0)
            return change(action.name, stopping=replace(found, killed=True))
        case Delete():
            return replace(before, deleted=True)


LIVES = st.sampled_from(
    [
        Container(),
        RUNNING,
        replace(RUNNING, unhealthy="bad"),
        replace(RUNNING, stopping=STOPPING),
        exited(0),
        exited(1, ended=99.0, restarting=BACKING_OFF),
        exited(1, ended=99.0, restarting=BACKING_OFF, waiting=Waiting("CrashLoopBackOff")),
        Container(waiting=Waiting("ErrImagePull"), retry_at=105.0, pulling=BACKING_OFF),
        Container(waiting=Waiting("CreateContainerConfigError"), retry_at=105.0),
    ]
)
PODS = st.sampled_from([pod(), TWO, ONCE, ON_FAILURE, WITH_INIT, WITH_SIDECAR, WITH_HOOK])
FLAGS = st.fixed_dictionaries(
    {
        "sandbox": st.booleans(),
        "gone": st.booleans(),
        "halted": st.booleans(),
        "over": st.booleans(),
        "ending_since": st.just(100.0),
    }
)


@given(
    PODS,
    st.lists(LIVES, min_size=3, max_size=3),
    FLAGS,
    st.sampled_from([lambda obj: obj, deleting]),
    st.floats(90.0, 200.0),
)
def test_carrying_a_plan_out_leaves_nothing_to_do(
    obj: Object,
    lives: list[Container],
    flags: dict[str, Any],
    ask: Callable[[Object], Object],
    now: float,
) -> None:
    target = pod_from(ask(obj))
    names = [spec.name for spec in target.containers]
    current = PodState(containers=dict(zip(names, lives, strict=False)), **flags)
    done: list[Action] = []
    while actions := plan(target, current, now).actions:
        for action in actions:
            assert action not in done, "an action that was carried out is asked for again"
            done.append(action)
            current = carried_out(target, current, action, now)
    wake = plan(target, current, now).wake
    assert wake is None or wake > now
