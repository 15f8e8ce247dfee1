"""sig-node: probes, row by row of the catalogue."""

from datetime import datetime
from typing import Any

import pytest

from tests.support.rows import Space, agnhost, condition, is_ready, pause, sh

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

NEVER = sh("exec sleep 1000")
HEALTH = {"exec": {"command": ["cat", "/tmp/v/health"]}}
FAILS = {"exec": {"command": ["/bin/false"]}}
HANGS = {"exec": {"command": ["/bin/sh", "-c", "sleep 10"]}}
VOLUME = {"volumes": [{"name": "v", "emptyDir": {}}]}
MOUNT = [{"name": "v", "mountPath": "/tmp/v"}]


def probe(what: Any, **more: Any) -> Any:
    return {**what, "periodSeconds": 1, "timeoutSeconds": 1, "failureThreshold": 1, **more}


def http(path: str, port: int = 8080) -> Any:
    return {"httpGet": {"path": path, "port": port}}


def healthy(script: str, **probes: Any) -> Any:
    """A container whose health is a file."""
    return sh(f"touch /tmp/v/health; {script}", volumeMounts=MOUNT, **probes)


def never_restarts(
    space: Space, name: str = "p", seconds: float = 3, *, init: bool = False
) -> None:
    space.wait(lambda: space.container(name, init=init)["started"], f"{name} to start")
    space.stays(lambda: space.restarts(name, init=init) == 0, seconds)


def started_at(space: Space, name: str) -> datetime:
    text = space.container(name)["state"]["running"]["startedAt"]
    return datetime.fromisoformat(text)


def ready_at(space: Space, name: str) -> datetime:
    text = condition(space.get("pods", name), "Ready")["lastTransitionTime"]
    return datetime.fromisoformat(text)


def test_14_1_not_ready_before_the_initial_delay(space: Space) -> None:
    ready = probe(http("/", 80), initialDelaySeconds=3)
    space.pod("p", agnhost("test-webserver", readinessProbe=ready))
    space.wait_ready("p")
    assert (ready_at(space, "p") - started_at(space, "p")).total_seconds() >= 2
    assert space.restarts("p") == 0


def test_14_2_never_ready_never_restarted(space: Space) -> None:
    ready = probe(http("/", 81), initialDelaySeconds=1)
    space.pod("p", agnhost("test-webserver", readinessProbe=ready))
    space.wait_phase("p", "Running")
    space.stays(lambda: not is_ready(space.get("pods", "p")), 3)
    assert space.restarts("p") == 0
    assert any(text.startswith("Readiness probe failed: Get ") for text in space.events("p"))


def test_14_3_restarted_by_exec(space: Space) -> None:
    live = healthy("sleep 1; rm /tmp/v/health; exec sleep 600", livenessProbe=probe(HEALTH))
    space.pod("p", live, **VOLUME)
    space.wait_restart("p")
    told = space.events("p")
    assert any(text.startswith("Liveness probe failed: cat: ") for text in told)
    assert "Container c failed liveness probe, will be restarted" in told


def test_14_4_not_restarted_by_exec(space: Space) -> None:
    space.pod("p", healthy("exec sleep 600", livenessProbe=probe(HEALTH)), **VOLUME)
    never_restarts(space)


def test_14_5_restarted_by_http(space: Space) -> None:
    space.pod("p", agnhost("liveness", livenessProbe=probe(http("/healthz"))))
    space.wait_restart("p")
    assert any("HTTP probe failed with statuscode: 500" in text for text in space.events("p"))


def test_14_6_not_restarted_by_tcp(space: Space) -> None:
    tcp = probe({"tcpSocket": {"port": 8080}}, initialDelaySeconds=1)
    space.pod("p", agnhost("liveness", livenessProbe=tcp))
    never_restarts(space, seconds=11)


def test_14_7_the_restart_count_only_grows(space: Space) -> None:
    space.pod("p", NEVER | {"livenessProbe": probe(FAILS)})
    last = 0
    for _ in range(4):
        space.wait_restart("p", last + 1)
        assert space.restarts("p") > last
        last = space.restarts("p")
        space.pass_time("5m")


def test_14_8_not_restarted_by_http(space: Space) -> None:
    live = probe(http("/", 80), initialDelaySeconds=1, failureThreshold=5)
    space.pod("p", agnhost("test-webserver", livenessProbe=live))
    never_restarts(space)


def test_14_9_restarted_by_an_exec_that_takes_too_long(space: Space) -> None:
    space.pod("p", NEVER | {"livenessProbe": probe(HANGS)})
    space.wait_restart("p")
    told = 'Liveness probe failed: command timed out: "/bin/sh -c sleep 10" timed out after 1s'
    assert told in space.events("p", "Unhealthy")


def test_14_10_not_ready_by_an_exec_that_takes_too_long(space: Space) -> None:
    space.pod("p", NEVER | {"readinessProbe": probe(HANGS)})
    space.wait_phase("p", "Running")
    space.stays(lambda: not is_ready(space.get("pods", "p")), 3)


def test_14_11_restarted_by_a_failing_exec_that_took_longer(space: Space) -> None:
    late = {"exec": {"command": ["/bin/sh", "-c", "sleep 3; exit 1"]}}
    space.pod("p", NEVER | {"livenessProbe": probe(late)})
    space.wait_restart("p")


def test_14_12_a_local_redirect_is_followed(space: Space) -> None:
    live = probe(http("/redirect?loc=%2Fhealthz"))
    space.pod("p", agnhost("liveness", livenessProbe=live))
    space.wait_restart("p")


def test_14_13_a_redirect_elsewhere_is_success(space: Space) -> None:
    live = probe(http("/redirect?loc=http%3A%2F%2F0.0.0.0%2F"), initialDelaySeconds=1)
    space.pod("p", agnhost("liveness", livenessProbe=live))
    space.wait(lambda: space.events("p", "ProbeWarning"), "the warning")
    assert space.events("p", "ProbeWarning")[0] == (
        "Liveness probe warning: Probe terminated redirects, Response body: "
        '<a href="http://0.0.0.0/">Found</a>.\n\n'
    )
    assert space.restarts("p") == 0


def test_14_14_restarted_by_its_startup_probe(space: Space) -> None:
    started = probe(FAILS, failureThreshold=3)
    space.pod("p", NEVER | {"startupProbe": started, "livenessProbe": probe(HEALTH)})
    space.wait_restart("p")
    assert "Container c failed startup probe, will be restarted" in space.events("p")


def test_14_15_liveness_waits_for_startup(space: Space) -> None:
    started = probe(FAILS, failureThreshold=60)
    space.pod("p", NEVER | {"startupProbe": started, "livenessProbe": probe(FAILS)})
    space.wait_phase("p", "Running")
    space.stays(lambda: space.restarts("p") == 0, 3)
    assert space.container("p")["started"] is False


def test_14_16_liveness_begins_after_startup(space: Space) -> None:
    live = healthy(
        "rm /tmp/v/health; sleep 2; touch /tmp/v/health; exec sleep 600",
        startupProbe=probe(HEALTH, failureThreshold=60),
        livenessProbe=probe(FAILS),
    )
    space.pod("p", live, **VOLUME)
    space.wait_restart("p")
    assert space.events("p", "Killing") == ["Container c failed liveness probe, will be restarted"]


def test_14_17_ready_at_once_after_startup(space: Space) -> None:
    live = healthy(
        "rm /tmp/v/health; sleep 2; touch /tmp/v/health; exec sleep 600",
        startupProbe=probe(HEALTH, failureThreshold=60),
        readinessProbe=probe(HEALTH, periodSeconds=30),
    )
    space.pod("p", live, **VOLUME)
    space.wait_ready("p", seconds=15)


@pytest.mark.parametrize("kind", ["livenessProbe", "startupProbe"])
def test_14_18_the_probes_own_grace_period(space: Space, kind: str) -> None:
    deaf = sh(
        "trap '' TERM; while true; do sleep 0.2; done",
        **{kind: probe(FAILS, terminationGracePeriodSeconds=1)},
    )
    space.pod("p", deaf, terminationGracePeriodSeconds=500)
    space.wait_restart("p")
    assert space.container("p")["lastState"]["terminated"]["exitCode"] == 137
    space.delete("pods", "p", gracePeriodSeconds=0)


def grpc(port: int = 5000, **more: Any) -> Any:
    return probe({"grpc": {"port": port}}, initialDelaySeconds=1, **more)


def test_14_19_not_restarted_by_grpc(space: Space) -> None:
    space.pod("p", agnhost("grpc-health-checking", livenessProbe=grpc()))
    never_restarts(space, seconds=4)


def test_14_20_restarted_by_grpc(space: Space) -> None:
    space.pod("p", agnhost("grpc-health-checking", livenessProbe=grpc(2333)))
    space.wait_restart("p")


def test_14_21_not_ready_while_terminating(space: Space) -> None:
    ready = probe({"exec": {"command": ["sh", "-c", "test -e /tmp/v/health"]}})
    space.pod(
        "p",
        healthy(
            "trap 'rm /tmp/v/health; sleep 4; exit 0' TERM; while true; do sleep 0.1; done",
            readinessProbe=ready,
        ),
        terminationGracePeriodSeconds=30,
        **VOLUME,
    )
    space.wait_ready("p")
    space.delete("pods", "p")
    space.wait(lambda: not is_ready(space.get("pods", "p")), "it to be unready")
    assert "deletionTimestamp" in space.get("pods", "p")["metadata"]
    assert "terminated" not in space.container("p")["state"]


def test_14_22_no_liveness_while_terminating(space: Space) -> None:
    live = probe({"exec": {"command": ["sh", "-c", "test -e /tmp/v/health"]}})
    space.pod(
        "p",
        healthy(
            "trap 'rm /tmp/v/health; sleep 4; exit 0' TERM; while true; do sleep 0.1; done",
            readinessProbe=live,
            livenessProbe=live,
        ),
        terminationGracePeriodSeconds=30,
        **VOLUME,
    )
    space.wait_ready("p")
    space.delete("pods", "p")
    space.wait(lambda: not space.exists("pods", "p"), "its end")
    assert [text for text in space.events("p", "Unhealthy") if "iveness" in text] == []


def sidecar(space: Space, container: Any, **more: Any) -> None:
    space.pod(
        "p",
        pause(),
        initContainers=[{**container, "name": "s", "restartPolicy": "Always"}],
        **{**VOLUME, "terminationGracePeriodSeconds": 1, **more},
    )


RESTARTED = {
    "exec": healthy("sleep 1; rm /tmp/v/health; exec sleep 600", livenessProbe=probe(HEALTH)),
    "http": agnhost("liveness", livenessProbe=probe(http("/healthz"))),
    "exec that takes too long": NEVER | {"livenessProbe": probe(HANGS)},
    "local redirect": agnhost("liveness", livenessProbe=probe(http("/redirect?loc=%2Fhealthz"))),
    "startup": NEVER | {"startupProbe": probe(FAILS, failureThreshold=3)},
    "liveness after startup": healthy(
        "rm /tmp/v/health; sleep 1; touch /tmp/v/health; exec sleep 600",
        startupProbe=probe(HEALTH, failureThreshold=60),
        livenessProbe=probe(FAILS),
    ),
    "grpc": agnhost("grpc-health-checking", livenessProbe=grpc(2333)),
}
LEFT_ALONE = {
    "exec": healthy("exec sleep 600", livenessProbe=probe(HEALTH)),
    "tcp": agnhost("liveness", livenessProbe=probe({"tcpSocket": {"port": 8080}})),
    "http": agnhost("test-webserver", livenessProbe=probe(http("/", 80), failureThreshold=5)),
    "redirect elsewhere": agnhost(
        "liveness", livenessProbe=probe(http("/redirect?loc=http%3A%2F%2F0.0.0.0%2F"))
    ),
    "grpc": agnhost("grpc-health-checking", livenessProbe=grpc()),
}


@pytest.mark.parametrize("kind", RESTARTED)
def test_14_23_a_sidecar_is_restarted(space: Space, kind: str) -> None:
    sidecar(space, RESTARTED[kind])
    space.wait_restart("p", init=True)


@pytest.mark.parametrize("kind", LEFT_ALONE)
def test_14_23_a_sidecar_is_left_alone(space: Space, kind: str) -> None:
    sidecar(space, LEFT_ALONE[kind])
    space.wait_ready("p")
    never_restarts(space, init=True)


def test_14_23_a_sidecar_that_is_not_ready_makes_its_pod_unready(space: Space) -> None:
    sidecar(space, NEVER | {"readinessProbe": probe(FAILS)})
    space.wait_phase("p", "Running")
    space.stays(lambda: not is_ready(space.get("pods", "p")), 2)
    assert space.restarts("p", init=True) == 0
    unready = condition(space.get("pods", "p"), "ContainersReady")
    assert unready["message"] == "containers with unready status: [s]"


def test_14_23_what_comes_after_a_sidecar_waits_for_its_startup(space: Space) -> None:
    started = healthy(
        "rm /tmp/v/health; sleep 2; touch /tmp/v/health; exec sleep 600",
        startupProbe=probe(HEALTH, failureThreshold=60),
    )
    sidecar(space, started)
    space.wait(lambda: space.container("p", init=True).get("started") is False, "it to begin")
    assert "running" not in space.container("p")["state"]
    space.wait_ready("p")


def test_14_23_a_sidecars_own_grace_period(space: Space) -> None:
    deaf = sh(
        "trap '' TERM; while true; do sleep 0.2; done",
        livenessProbe=probe(FAILS, terminationGracePeriodSeconds=1),
    )
    sidecar(space, deaf, terminationGracePeriodSeconds=500)
    space.wait_restart("p", init=True)
    space.delete("pods", "p", gracePeriodSeconds=0)
