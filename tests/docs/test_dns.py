"""The page on DNS: its examples are run, its tables are complete."""

import asyncio
import contextlib
import dataclasses
import random
import re
import shlex
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from netemu.cli import main
from netemu.config.loading import load
from netemu.config.settings import DnsSettings
from netemu.dns.forwardmetrics import ExchangeMetrics, measure_forwarder
from netemu.dns.metrics import DnsMetrics
from netemu.dns.observation import Observers
from netemu.dns.pages import describe, health_pages
from netemu.dns.programming import Programming
from netemu.dns.server import DnsListener, serve_dns
from netemu.metrics import Metrics
from netemu.model.latest import Latest
from tests.cli.test_resolver_apply import fake_systemctl
from tests.dns.cluster import CLUSTER, configured
from tests.dns.test_querylog import Logged, pod
from tests.dns.test_questions import questions
from tests.dns.test_server import same_port
from tests.support.clock import FakeClock
from tests.support.daemon import answering, dns_handlers

PAGE = (Path(__file__).parents[2] / "docs" / "dns.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def examples(program: str) -> list[tuple[str, str]]:
    """(command, what it prints), of those that begin with `program`."""
    pairs = (block.partition("\n") for block in blocks("console"))
    return [(line[2:], out) for line, _, out in pairs if line.startswith(f"$ {program} ")]


def normal(text: str) -> str:
    """Without what differs from run to run."""
    text = re.sub(r"^\d\d:\d\d:\d\d\.\d\d\d ", "TIME ", text, flags=re.MULTILINE)
    return re.sub(r" \d+µs ", " 0µs ", text)


def asked() -> Logged:
    """A server that was asked what the page's log shows."""
    logged = Logged()
    logged.change(None, pod("shell", "10.244.0.5"))
    for domain in ("default.svc.cluster.local", "svc.cluster.local", "cluster.local"):
        logged.ask(f"example.org.{domain}")
    logged.ask("web.default.svc.cluster.local", client="127.0.0.1")
    return logged


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A made-up machine with systemd-resolved."""
    root = tmp_path / "root"
    (root / "etc/systemd").mkdir(parents=True)
    (root / "etc/resolv.conf").write_text("nameserver 127.0.0.53\n")
    fake_systemctl(root)
    return root


@pytest.mark.parametrize(("command", "output"), examples("netemu"), ids=lambda text: text[:40])
def test_the_commands_print_what_the_page_shows(
    tmp_path: Path, machine: Path, command: str, output: str
) -> None:
    _, *words = shlex.split(command)
    words += ["--state-dir", str(tmp_path)]
    if words[0] == "resolver":
        words += ["--root", str(machine)]
    with answering(tmp_path, dns_handlers(questions(asked()))):
        result = CliRunner().invoke(main, words)
    assert normal(result.output) == normal(output)


@contextlib.asynccontextmanager
async def server() -> AsyncIterator[int]:
    listener = DnsListener(*same_port())
    port = listener.udp.getsockname()[1]
    settings = DnsSettings(forward="")
    async with serve_dns(Latest(CLUSTER), settings, [listener], random.Random(1)):
        yield port


@pytest.mark.skipif(shutil.which("dig") is None, reason="dig isn't installed")
async def test_dig_prints_what_the_page_shows() -> None:
    ((command, output),) = examples("dig")
    async with server() as port:
        words = shlex.split(command.replace("-p 1053", f"-p {port}"))
        done = await asyncio.to_thread(
            subprocess.run, words, capture_output=True, text=True, timeout=20, check=True
        )
    assert done.stdout == output


def test_the_settings_can_be_used() -> None:
    (example,) = blocks("yaml")
    settings = load(yaml.safe_load(example), state_dir=Path("/nowhere"))
    assert settings.dns.hosts == {"registry.example": "192.0.2.10"}


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def test_every_setting_is_told() -> None:
    told = re.findall(r"^\| `(\w+)` \|", PAGE.partition("## Settings")[2], re.MULTILINE)
    assert told == [camel(field.name) for field in dataclasses.fields(DnsSettings)]


def families(metrics: Metrics) -> Iterator[str]:
    return iter(metrics._families)


def test_every_metric_is_told() -> None:
    metrics = Metrics()
    DnsMetrics(metrics, Observers())
    Programming(metrics, FakeClock())
    describe(metrics, configured, tuple, int)
    measure_forwarder(metrics, dict)
    ExchangeMetrics(metrics)
    health_pages(metrics)
    assert set(families(metrics)) == set(re.findall(r"`(coredns_\w+)`", PAGE))
