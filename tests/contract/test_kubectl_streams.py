"""Streams of every kubectl there is: terminals, copies, forwarded ports, in two network modes."""

import asyncio
import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from netemu.testing import Instance, instance
from tests.contract.manifests import POD, WEB
from tests.support.kubectls import kubectls, versions
from tests.support.terminal import at_terminal

pytestmark = [pytest.mark.contract, pytest.mark.timeout(180)]

CONNECTIONS = 100


@pytest.fixture(scope="module", params=["auto", "loopback"])
def cluster(request: pytest.FixtureRequest) -> Iterator[Instance]:
    with instance(f"streams-{request.param}", options=["--net", request.param]) as made:
        made.apply(POD)
        made.apply(WEB)
        made.kubectl("wait", "--for=condition=Ready", "pod/p", "--timeout=30s")
        made.kubectl("rollout", "status", "deploy/web", "--timeout=60s")
        yield made


def environment(cluster: Instance, minor: int) -> dict[str, str]:
    cache = str(cluster.state_dir / f"cache-{minor}")
    return {**cluster.env, "KUBECACHEDIR": cache, "HOME": cache, "TERM": "xterm"}


def run(cluster: Instance, minor: int, *words: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [kubectls()[minor], *words],
        env=environment(cluster, minor),
        capture_output=True,
        timeout=60,
        check=True,
    )


def until_size(size: str) -> str:
    """What one types to wait for a size: it travels beside what is typed, and may come later."""
    return f"until [ \"$(stty size)\" = '{size}' ]; do sleep 0.05; done; echo si''zed\n"


@pytest.mark.parametrize("minor", versions())
def test_a_shell_at_a_terminal(cluster: Instance, minor: int) -> None:
    argv = [kubectls()[minor], "exec", "-it", "p", "--", "sh"]
    with at_terminal(argv, environment(cluster, minor)) as terminal:
        terminal.type(until_size("24 80"))
        terminal.until("sized\r\n")
        terminal.resize(100, 40)
        terminal.type(until_size("40 100"))
        terminal.until("sized\r\n")
        terminal.type(
            "sh -c 'trap \"echo cau''ght; exit\" INT; echo go''ne; while sleep 0.1; do :; done'\n"
        )
        terminal.until("gone\r\n")
        terminal.type("\x03")
        terminal.until(r"caught\s+[#$] ")
        terminal.type("exit 5\n")
        assert terminal.wait() == 5


@pytest.mark.parametrize("minor", versions())
def test_a_pod_at_a_terminal(cluster: Instance, minor: int) -> None:
    words = ["-it", "--rm", "--restart=Never", "--image=busybox", "--", "sh"]
    argv = [kubectls()[minor], "run", f"t{minor}", *words]
    with at_terminal(argv, environment(cluster, minor)) as terminal:
        terminal.until("press")  # "If you don't see a command prompt, try pressing enter."
        terminal.type(until_size("24 80"))
        terminal.until("sized\r\n")
        terminal.type("tty\n")
        terminal.until("/dev/pts/")
        terminal.type("exit 0\n")
        assert terminal.wait() == 0
        assert f'pod "t{minor}" deleted' in terminal.shown


@pytest.mark.parametrize("minor", versions())
def test_files_are_copied_both_ways(cluster: Instance, minor: int, tmp_path: Path) -> None:
    source, there, back = tmp_path / "source", tmp_path / "there", tmp_path / "back"
    source.write_bytes(os.urandom(3_000_000))
    run(cluster, minor, "cp", str(source), f"p:{there}")
    run(cluster, minor, "cp", f"p:{there}", str(back))
    assert back.read_bytes() == source.read_bytes()


@contextmanager
def serving(cluster: Instance, minor: int, *words: str) -> Iterator[str]:
    """A kubectl that says where it listens: its URL."""
    with subprocess.Popen(
        [kubectls()[minor], *words],
        env=environment(cluster, minor),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            found = re.search(r"127\.0\.0\.1:(\d+)", line)
            assert found, line
            yield f"http://127.0.0.1:{found[1]}"
        finally:
            process.terminate()
            process.communicate(timeout=30)


def forwarded(cluster: Instance, minor: int, what: str, port: int) -> AbstractContextManager[str]:
    return serving(cluster, minor, "port-forward", what, f":{port}")


@pytest.mark.parametrize(("what", "port"), [("svc/web", 80), ("deploy/web", 8080)])
@pytest.mark.parametrize("minor", versions())
def test_a_hundred_connections_through_one(
    cluster: Instance, minor: int, what: str, port: int
) -> None:
    def get(_: int) -> bytes:
        with urllib.request.urlopen(f"{url}/hostname", timeout=30) as answer:
            return bytes(answer.read())

    with forwarded(cluster, minor, what, port) as url, ThreadPoolExecutor(CONNECTIONS) as pool:
        names = set(pool.map(get, range(2 * CONNECTIONS)))
    assert len(names) == 1
    assert names.pop().startswith(b"web-")


def test_what_is_attached_is_seen_until_the_end(cluster: Instance) -> None:
    cluster.kubectl(
        "run", "ticks", "--image=busybox", "--", "sh", "-c", "while sleep 0.1; do echo tick; done"
    )
    cluster.kubectl("wait", "--for=condition=Ready", "pod/ticks", "--timeout=30s")
    with subprocess.Popen(
        ["kubectl", "attach", "ticks"], env=cluster.env, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert [process.stdout.readline() for _ in range(3)] == ["tick\n"] * 3
        cluster.kubectl("delete", "pod", "ticks", "--grace-period=1", "--wait=false")
        rest, _ = process.communicate(timeout=30)
        assert set(rest.splitlines()) <= {"tick"}
        assert process.returncode == 0


@pytest.mark.parametrize("cluster", ["auto"], indirect=True, scope="module")  # of its own
def test_what_listens_on_a_pods_localhost_alone_is_reached(cluster: Instance) -> None:
    program = (
        "import http.server as s; "
        "s.HTTPServer(('127.0.0.1', 8099), s.SimpleHTTPRequestHandler).serve_forever()"
    )
    cluster.kubectl("run", "shy", "--image=busybox", "--command", "--", "python3", "-c", program)
    cluster.kubectl("wait", "--for=condition=Ready", "pod/shy", "--timeout=30s")

    def status() -> int:
        with (
            forwarded(cluster, max(kubectls()), "pod/shy", 8099) as url,
            urllib.request.urlopen(url, timeout=10) as answer,
        ):
            return int(answer.status)

    assert cluster.wait_for(status) == 200


ECHO = """
import os
from aiohttp import web

async def echo(request):
    socket = web.WebSocketResponse(protocols=["chat"])
    await socket.prepare(request)
    async for message in socket:
        await socket.send_str(message.data.upper())
    return socket

app = web.Application()
app.router.add_get("/socket", echo)
web.run_app(app, host=os.environ["LISTEN"], port=8070)
"""
TALKER = """\
apiVersion: v1
kind: Pod
metadata: {{name: talker}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
    - name: c
      image: busybox
      command: {command}
      env: [{{name: LISTEN, valueFrom: {{fieldRef: {{fieldPath: status.podIP}}}}}}]
"""


@pytest.mark.parametrize("minor", versions())
async def test_a_web_socket_through_kubectls_proxy(cluster: Instance, minor: int) -> None:
    cluster.apply(TALKER.format(command=json.dumps([sys.executable, "-c", ECHO])))
    cluster.kubectl("wait", "--for=condition=Ready", "pod/talker", "--timeout=30s")
    with serving(cluster, minor, "proxy", "--port=0") as url:
        path = "/api/v1/namespaces/default/pods/talker:8070/proxy/socket"
        async with aiohttp.ClientSession() as session:
            socket = await patiently(lambda: session.ws_connect(url + path, protocols=["chat"]))
            assert socket.protocol == "chat"
            await socket.send_str("through and back")
            assert await socket.receive_str() == "THROUGH AND BACK"
            await socket.close()


async def patiently(connect: Callable[[], Any]) -> Any:
    """Connect, once what runs in the pod listens."""
    async with asyncio.timeout(30):
        while True:
            try:
                return await connect()
            except aiohttp.ClientError:
                await asyncio.sleep(0.1)
