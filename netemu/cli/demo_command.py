"""``netemu demo``: the counter example in an instance of its own, shown as a user would see it.

Each step is told as the command one would type. It needs nothing that isn't installed with netemu;
kubectl, dig and curl are used where they are.
"""

import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

from netemu.cli import kubectl
from netemu.cli.instance import Failure
from netemu.config.loading import BadSettings, check_name
from netemu.config.settings import NetMode
from netemu.config.shipped import shipped
from netemu.daemon.home import Home
from netemu.testing import Instance, TimedOut, instance

T = TypeVar("T")

WAIT_SECONDS = 30.0
FILES = ("counter.yaml", "counter-nodeport.yaml")
NODE_PORT = "http://127.0.0.1:31000"
SERVICE = "redis.default.svc.cluster.local"
FETCH = """
import sys, urllib.request
with urllib.request.urlopen(sys.argv[1], timeout=5) as reply:
    sys.stdout.write(reply.read().decode())
"""
"""curl, for machines without it."""


@click.command()
@click.option("--name", default="demo", show_default=True, help="What to call the instance.")
@click.option(
    "--state-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of all instances.  [default: one of its own, gone afterwards]",
)
@click.option(
    "--net",
    type=click.Choice([mode.value for mode in NetMode]),
    default="auto",
    envvar="NETEMU_NET",
    help="How much of the machine to use.",
)
def command(name: str, state_dir: Path | None, net: str) -> None:
    """Run the counter example in an instance of its own, show it, and clean up."""
    files = [path for name in FILES for path in ("-f", str(shipped(f"examples/{name}")))]
    started = time.monotonic()
    _type(f"netemu up --detach {' '.join(f'-f examples/{name}' for name in FILES)}")
    try:
        check_name(name)
        with instance(name, options=["--net", net, *files], state_dir=state_dir) as cluster:
            click.echo(f"ready after {time.monotonic() - started:.2f} s ({cluster.facts['net']})")
            _show(cluster, started)
            _type("netemu down --purge")
    except (AssertionError, OSError, BadSettings) as error:
        raise Failure(str(error)) from None
    click.echo("gone, and nothing left behind")


def _show(cluster: Instance, started: float) -> None:
    home, api = Home(cluster.state_dir / cluster.name), cluster.facts["api"]
    first = _until(cluster, lambda: fetch(NODE_PORT), "the counter's first answer")
    click.echo(f"first answer after {time.monotonic() - started:.2f} s")
    _type("kubectl get pods,services -o wide")
    click.echo(kubectl.get(home, api, "pods,services", wide=True), nl=False)
    _type("kubectl get endpointslices")
    click.echo(kubectl.get(home, api, "endpointslices"), nl=False)
    host, _, port = cluster.facts["dns"].rpartition(":")
    _type(f"dig +short @{host} -p {port} {SERVICE}")
    click.echo(lookup(host, int(port)))
    _type(f"curl -s {NODE_PORT}     # the NodePort, from the host; four times")
    click.echo(" ".join([first, *(fetch(NODE_PORT) for _ in range(3))]))
    _type("netemu exec -- curl -s http://counter-np:3000     # inside, by name")
    click.echo(_inside(cluster, "http://counter-np:3000"))


def _type(line: str) -> None:
    click.secho(f"\n$ {line}", bold=True)


def _until(cluster: Instance, probe: Callable[[], T], what: str) -> T:
    try:
        return cluster.wait_for(probe, seconds=WAIT_SECONDS, what=what)
    except TimedOut as error:
        raise Failure(str(error)) from None


def fetch(url: str) -> str:
    """What a URL answers, without its line end. Raises OSError."""
    with urllib.request.urlopen(url, timeout=5.0) as reply:
        text: str = reply.read().decode()
    return text.strip()


def lookup(host: str, port: int) -> str:
    """The addresses of the example's Service, as dig prints them."""
    dig = shutil.which("dig")
    if dig:
        asked = [dig, "+short", f"@{host}", "-p", str(port), SERVICE]
        return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
    from netemu.dns.lookup import addresses  # late: dig does it on most machines

    return "\n".join(addresses(SERVICE, host, port))


def _inside(cluster: Instance, url: str) -> str:
    tool = ["curl", "-s"] if shutil.which("curl") else [sys.executable, "-c", FETCH]
    return cluster.exec(*tool, url).stdout.strip()
