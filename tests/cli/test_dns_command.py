"""The commands against a control socket behind which the real answers are."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from netemu.cli import main
from netemu.cli.dns_command import listed
from tests.dns.test_querylog import Logged, pod
from tests.dns.test_questions import questions
from tests.support.daemon import answering, dns_handlers

SVC = "default.svc.cluster.local"


@dataclass
class Instance:
    state_dir: Path
    logged: Logged

    def run(self, *args: str) -> Result:
        options = ["--state-dir", str(self.state_dir)]
        return CliRunner().invoke(main, ["dns", args[0], *options, *args[1:]])


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[Instance]:
    logged = Logged()
    logged.change(None, pod("shell", "10.244.0.5"))
    with answering(tmp_path, dns_handlers(questions(logged))):
        yield Instance(tmp_path, logged)


def without_micros(text: str) -> list[str]:
    return [re.sub(r" \d+µs ", " 0µs ", line) for line in text.splitlines()]


def test_the_log_is_printed_a_line_a_query(instance: Instance) -> None:
    instance.logged.ask(f"web.{SVC}")
    instance.logged.ask(f"db.{SVC}", "AAAA", client="127.0.0.1")
    instance.logged.ask(f"gone.{SVC}", client="127.0.0.1")
    assert without_micros(instance.run("log").stdout) == [
        f"00:16:40.001 default/shell web.{SVC}. A NOERROR 10.96.0.7 0µs udp cluster 1/4 of web",
        f"00:16:40.002 127.0.0.1 db.{SVC}. AAAA NOERROR fd00:10:244::10 0µs udp cluster",
        f"00:16:40.003 127.0.0.1 gone.{SVC}. A NXDOMAIN - 0µs udp cluster",
    ]


def test_the_log_is_printed_as_json_lines(instance: Instance) -> None:
    instance.logged.ask(f"web.{SVC}")
    (line,) = instance.run("log", "-o", "json").stdout.splitlines()
    entry = json.loads(line)
    assert entry["time"] == "1970-01-01T00:16:40.001000Z"
    assert entry["answers"] == ["10.96.0.7"]
    assert entry["search"]["step"] == 1


def test_the_log_is_printed_in_part(instance: Instance) -> None:
    for name in ("web", "db", "idle"):
        instance.logged.ask(f"{name}.{SVC}")
    for options, names in (
        (["--tail", "1"], ["idle"]),
        (["--query", "db"], ["db"]),
        (["--pod", "default/shell"], ["web", "db", "idle"]),
        (["--pod", "default/other"], []),
    ):
        lines = instance.run("log", *options).stdout.splitlines()
        assert [line.split()[2].partition(".")[0] for line in lines] == names


def test_a_long_log_is_printed_whole(instance: Instance) -> None:
    for number in range(120 - 20):
        instance.logged.ask(f"n{number}.{SVC}")
    assert len(instance.run("log").stdout.splitlines()) == 100


def test_following_goes_on_until_it_is_interrupted(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    instance.logged.ask(f"web.{SVC}")
    waits = 0

    def wait(_: float) -> None:
        nonlocal waits
        waits += 1
        if waits == 3:
            raise KeyboardInterrupt
        instance.logged.ask(f"n{waits}.{SVC}")

    monkeypatch.setattr("time.sleep", wait)
    result = instance.run("log", "-f")
    assert result.exit_code == 130
    assert [line.split()[2] for line in result.stdout.splitlines()] == [
        f"{name}.{SVC}." for name in ("web", "n1", "n2")
    ]


def test_a_follower_that_was_too_slow_is_told(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wait(_: float) -> None:
        if instance.logged.log.before(0) > 200:
            raise KeyboardInterrupt
        for number in range(210):
            instance.logged.ask(f"n{number}.{SVC}")

    monkeypatch.setattr("time.sleep", wait)
    result = instance.run("log", "-f")
    assert "110 queries were pushed out before they could be shown" in result.stderr
    assert len(result.stdout.splitlines()) == 100


def test_a_name_is_explained(instance: Instance) -> None:
    result = instance.run("explain", "down", "--from", "pod:default/shell")
    assert result.stdout.splitlines() == [
        "down A, asked by pod default/shell",
        "search default.svc.cluster.local svc.cluster.local cluster.local; ndots 5",
        f"1. down.{SVC}. A: NXDOMAIN",
        '   headless Service "default/down" has no ready endpoint; not ready: 10.244.0.13',
        "2. down.svc.cluster.local. A: NXDOMAIN",
        '   there is no namespace "down"',
        "3. down.cluster.local. A: NXDOMAIN",
        "   no name in the cluster has this form",
        "4. down. A: forwarded",
        "   would be asked of 192.0.2.53:53",
        "known to other servers, if to anybody",
    ]


def test_an_explanation_is_printed_as_json(instance: Instance) -> None:
    found = json.loads(instance.run("explain", "web", "--type", "srv", "-o", "json").stdout)
    assert found["steps"][0]["answers"] == [
        f"0 50 80 web.{SVC}.",
        f"0 50 9090 web.{SVC}.",
    ]


@pytest.mark.parametrize(
    ("args", "why"),
    [
        (["explain", "web", "--from", "shell"], "is no place to ask from"),
        (["explain", "web", "--from", "node:node-1"], "is no place to ask from"),
        (["explain", "web", "--from", "pod:default/gone"], 'pods "gone" not found'),
        (["explain", "web", "--from", "default/gone"], 'pods "gone" not found'),
        (["explain", "web", "--from", "node:default/gone"], "is no place to ask from"),
        (["explain", "web", "--type", "B"], "is no type of DNS records"),
        (["log", "--query", "a..b"], "no domain name"),
    ],
)
def test_what_makes_no_sense_ends_with_a_reason(
    instance: Instance, args: list[str], why: str
) -> None:
    result = instance.run(*args)
    assert result.exit_code == 1
    assert why in result.stderr


def test_without_an_instance_there_is_nothing_to_ask(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["dns", "log", "--state-dir", str(tmp_path)])
    assert result.exit_code == 3
    assert "is not running" in result.stderr


def test_a_line_shows_as_many_answers_as_a_reader_takes_in() -> None:
    each = [f"10.0.0.{number}" for number in range(25)]
    assert listed(each[:20], ",") == ",".join(each[:20])
    assert listed(each, ",") == ",".join(each[:20]) + " and 5 more"
    assert listed([], ",") == ""
