"""sig-node: hooks, back-off and ends of containers, row by row of the catalogue."""

import json
import time
from typing import Any

import pytest

from netemu.api.authority import ensure_credentials
from netemu.api.credentials import load
from tests.support.rows import Space, agnhost, condition, is_ready, pause, sh

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

STAYS = "exec sleep 1000"
KINDS = ["exec", "http"]


def handler(space: Space, *args: str, port: int = 8080) -> str:
    """A pod that logs what it is asked; its address."""
    listens: Any = {"readinessProbe": {"tcpSocket": {"port": port}, "periodSeconds": 1}}
    space.pod("handler", agnhost("netexec", f"--http-port={port}", *args, **listens))
    space.wait_ready("handler")
    return str(space.get("pods", "handler")["status"]["podIP"])


def asks(kind: str, address: str, what: str) -> Any:
    if kind == "http":
        return {"httpGet": {"path": f"/echo?msg={what}", "host": address, "port": 8080}}
    return {"exec": {"command": ["sh", "-c", f"curl -s http://{address}:8080/echo?msg={what}"]}}


def was_asked(space: Space, what: str) -> None:
    space.wait(lambda: f"GET /echo?msg={what}" in space.logs("handler"), "the request")


def after_start(space: Space, kind: str) -> None:
    hook = {"postStart": asks(kind, handler(space), "poststart")}
    space.pod("p", sh(STAYS, lifecycle=hook))
    was_asked(space, "poststart")
    space.wait_ready("p")


def before_stop(space: Space, kind: str) -> None:
    hook = {"preStop": asks(kind, handler(space), "prestop")}
    space.pod("p", sh(STAYS, lifecycle=hook), terminationGracePeriodSeconds=15)
    space.wait_ready("p")
    space.delete("pods", "p")
    was_asked(space, "prestop")


def test_15_1_post_start_exec(space: Space) -> None:
    after_start(space, "exec")


def test_15_2_pre_stop_exec(space: Space) -> None:
    before_stop(space, "exec")


def test_15_3_post_start_http(space: Space) -> None:
    after_start(space, "http")


def test_15_4_pre_stop_http(space: Space) -> None:
    before_stop(space, "http")


@pytest.mark.parametrize("moment", ["postStart", "preStop"])
def test_15_5_https(space: Space, moment: str, certificate: tuple[str, str]) -> None:
    files = [f"--tls-cert-file={certificate[0]}", f"--tls-private-key-file={certificate[1]}"]
    address = handler(space, *files, port=8443)
    asked = {"path": "/echo?msg=safe", "host": address, "port": 8443, "scheme": "HTTPS"}
    hook = {moment: {"httpGet": asked}}
    space.pod("p", sh(STAYS, lifecycle=hook), terminationGracePeriodSeconds=15)
    space.wait_ready("p")
    space.delete("pods", "p")
    was_asked(space, "safe")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    folder = tmp_path_factory.mktemp("tls")
    ensure_credentials(folder, hosts=())
    certificate, key = load(folder).admin_files
    return str(certificate), str(key)


def sidecar(space: Space, hook: Any, **more: Any) -> None:
    aside = {**sh(STAYS, "s", lifecycle=hook), "restartPolicy": "Always"}
    space.pod("p", pause(), initContainers=[aside], **more)


@pytest.mark.parametrize("kind", KINDS)
def test_15_6_post_start_of_a_sidecar(space: Space, kind: str) -> None:
    sidecar(space, {"postStart": asks(kind, handler(space), "sidecar")})
    was_asked(space, "sidecar")
    space.wait_ready("p")


@pytest.mark.parametrize("kind", KINDS)
def test_15_6_pre_stop_of_a_sidecar(space: Space, kind: str) -> None:
    hook = {"preStop": asks(kind, handler(space), "sidecar")}
    sidecar(space, hook, terminationGracePeriodSeconds=15)
    space.wait_ready("p")
    space.delete("pods", "p")
    was_asked(space, "sidecar")


def ends_within(space: Space, least: float, most: float) -> None:
    begun = time.monotonic()
    space.wait(lambda: not space.exists("pods", "p"), "its end")
    assert least <= time.monotonic() - begun <= most


def test_15_6_sleep_before_the_end(space: Space) -> None:
    hook = {"preStop": {"sleep": {"seconds": 2}}}
    space.pod("p", pause(lifecycle=hook), terminationGracePeriodSeconds=30)
    space.wait_ready("p")
    space.delete("pods", "p")
    ends_within(space, 1.8, 15)


def test_15_6_the_grace_period_cuts_the_sleep(space: Space) -> None:
    hook = {"preStop": {"sleep": {"seconds": 60}}}
    space.pod("p", pause(lifecycle=hook), terminationGracePeriodSeconds=60)
    space.wait_ready("p")
    space.delete("pods", "p", gracePeriodSeconds=2)
    ends_within(space, 1.8, 15)


def test_15_6_the_process_ends_while_the_hook_sleeps(space: Space) -> None:
    hook = {"preStop": {"sleep": {"seconds": 20}}}
    space.pod("p", sh("sleep 3", lifecycle=hook), terminationGracePeriodSeconds=30)
    space.wait_ready("p")
    space.delete("pods", "p")
    ends_within(space, 0.5, 15)


def test_15_6_a_hook_that_fails_is_told(space: Space) -> None:
    hook = {"postStart": {"exec": {"command": ["sh", "-c", "echo no; exit 3"]}}}
    space.pod("p", sh(STAYS, lifecycle=hook))
    space.wait(lambda: space.events("p", "FailedPostStartHook"), "the event")
    space.wait_restart("p")


def test_15_7_pre_stop_reaches_a_server(space: Space) -> None:
    listens: Any = {"readinessProbe": {"tcpSocket": {"port": 8080}, "periodSeconds": 1}}
    space.pod("server", agnhost("nettest", **listens))
    space.wait_ready("server")
    address = space.get("pods", "server")["status"]["podIP"]
    told = json.dumps({"Source": "prestop"})
    script = f"curl -s -X POST --data '{told}' http://{address}:8080/write"
    hook = {"preStop": {"exec": {"command": ["sh", "-c", script]}}}
    space.pod("tester", sh(STAYS, lifecycle=hook), terminationGracePeriodSeconds=15)
    space.wait_ready("tester")
    space.delete("pods", "tester")

    def heard() -> Any:
        _, text = space.api.raw("GET", space.path("pods", "server:8080", "proxy") + "/read")
        return json.loads(text)["Received"]

    space.wait(lambda: heard() == {"prestop": 1}, "the server to hear of it")


def test_15_15_a_new_image_resets_the_back_off(space: Space) -> None:
    space.pod("p", sh("exit 1"))
    for number in (1, 2, 3):
        space.wait_restart("p", number)
        space.pass_time("2m")
    space.wait(lambda: waiting(space).startswith("back-off"), "the back-off")
    assert not waiting(space).startswith("back-off 10s")
    before = space.restarts("p")
    image = [{"name": "c", "image": "busybox:1.36"}]
    space.patch("pods", "p", {"spec": {"containers": image}}, kind="strategic")
    space.wait_restart("p", before + 1)
    space.wait(lambda: waiting(space).startswith("back-off 10s"), "the first back-off again")


def waiting(space: Space) -> str:
    return str((space.container("p")["state"].get("waiting") or {}).get("message", ""))


def test_15_16_back_off_is_capped(space: Space) -> None:
    space.pod("p", sh("exit 1"))
    for number in range(1, 8):
        space.wait_restart("p", number)
        space.wait(lambda: "CrashLoopBackOff" in str(space.container("p")["state"]), "back-off")
        space.pass_time("5m")
    space.wait(lambda: waiting(space).startswith("back-off 5m0s restarting failed"), "the cap")
    told = space.events("p", "BackOff")
    assert told[0].startswith("Back-off restarting failed container c in pod p_")


def test_15_17_readiness_gates(space: Space) -> None:
    gate = "k8s.io/test-condition1"
    space.pod("p", pause(), readinessGates=[{"conditionType": gate}])
    space.wait_phase("p", "Running")
    space.wait(lambda: space.container("p")["ready"], "the container to be ready")
    space.stays(lambda: not is_ready(space.get("pods", "p")), 0.5)
    unready = condition(space.get("pods", "p"), "Ready")
    assert unready["reason"] == "ReadinessGatesNotReady"
    assert (
        unready["message"]
        == f'corresponding condition of pod readiness gate "{gate}" does not exist.'
    )
    for value in ("True", "False"):
        patch = {"status": {"conditions": [{"type": gate, "status": value}]}}
        space.patch("pods", "p", patch, "status", kind="strategic")
        wanted = value == "True"
        space.wait(
            lambda wanted=wanted: is_ready(space.get("pods", "p")) is wanted,  # type: ignore[misc]
            f"readiness {value}",
        )


@pytest.mark.parametrize(
    ("policy", "phase", "restarts"),
    [("Always", "Running", 2), ("OnFailure", "Succeeded", 1), ("Never", "Failed", 0)],
)
def test_15_23_the_expected_status(
    space: Space, tmp_path: Any, policy: str, phase: str, restarts: int
) -> None:
    tmp_path.chmod(0o777)
    # Fails first, then ends well, then stays.
    script = (
        f"echo >> {tmp_path}/n; n=$(wc -l < {tmp_path}/n);"
        "[ $n -eq 1 ] && exit 1; [ $n -eq 2 ] && exit 0; exec sleep 1000"
    )
    space.pod("p", sh(script), restartPolicy=policy)
    if restarts:
        space.wait_restart("p", 1)
    if restarts == 2:
        space.pass_time("30s")
        space.wait_restart("p", 2)
    space.wait_phase("p", phase)
    assert space.restarts("p") == restarts
    state = space.container("p")["state"]
    assert list(state) == (["running"] if phase == "Running" else ["terminated"])
    assert is_ready(space.get("pods", "p")) is (phase == "Running")


@pytest.mark.parametrize(
    ("script", "policy", "message"),
    [
        pytest.param("printf DONE > /dev/termination-log", "File", "DONE", id="from a file"),
        pytest.param("printf DONE; exit 1", "FallbackToLogsOnError", "DONE", id="from the log"),
        pytest.param("printf DONE", "FallbackToLogsOnError", "", id="not from the log of success"),
        pytest.param(
            "printf OK > /dev/termination-log; printf DONE",
            "FallbackToLogsOnError",
            "OK",
            id="the file comes first",
        ),
    ],
)
def test_15_24_termination_message(space: Space, script: str, policy: str, message: str) -> None:
    space.pod("p", sh(script, terminationMessagePolicy=policy), restartPolicy="Never")
    space.wait(lambda: "terminated" in space.container("p")["state"], "its end")
    assert space.container("p")["state"]["terminated"].get("message", "") == message


def test_15_25_termination_message_elsewhere(space: Space) -> None:
    path = "/dev/termination-custom-log"
    user: Any = {"securityContext": {"runAsUser": 1000}}
    container = sh(f"printf DONE > {path}", terminationMessagePath=path, **user)
    space.pod("p", container, restartPolicy="Never")
    space.wait(lambda: "terminated" in space.container("p")["state"], "its end")
    assert space.container("p")["state"]["terminated"].get("message", "") == "DONE"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        pytest.param({}, "Paused", id="image defaults"),
        pytest.param(
            {"args": ["entrypoint-tester", "override", "arguments"]},
            "[/agnhost entrypoint-tester override arguments]",
            id="arguments",
        ),
        pytest.param(
            {"command": ["/agnhost-2", "entrypoint-tester"]},
            "[/agnhost-2 entrypoint-tester]",
            id="command",
        ),
        pytest.param(
            {
                "command": ["/agnhost-2"],
                "args": ["entrypoint-tester", "override", "arguments"],
            },
            "[/agnhost-2 entrypoint-tester override arguments]",
            id="both",
        ),
    ],
)
def test_15_26_images_defaults_and_overrides(space: Space, fields: Any, said: str) -> None:
    container = {key: value for key, value in agnhost().items() if key != "args"}
    space.pod("p", {**container, **fields}, restartPolicy="Never")
    space.wait_phase("p", "Running" if said == "Paused" else "Succeeded")
    space.wait(lambda: space.logs("p").strip() == said, said)
