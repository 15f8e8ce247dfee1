"""``netemu status``."""

from pathlib import Path
from typing import Any

import click

from netemu.cli.instance import asked, home_of, name_option, output_option, print_json


@click.command()
@name_option
@output_option
def command(name: str, state_dir: Path | None, output: str) -> None:
    """Say how an instance is: its addresses, how much of the machine it uses, and what it can't."""
    status = asked(home_of(name, state_dir), "status")
    if output == "json":
        print_json(status)
    else:
        for line in describe(status):
            click.echo(line)


def describe(status: dict[str, Any]) -> list[str]:
    """The status for a reader."""
    addresses = status["addresses"]
    rows = [
        ("instance", f"{status['name']} ({'ready' if status['ready'] else 'starting'})"),
        ("daemon", f"pid {status['pid']}, up {_duration(status['uptimeSeconds'])}"),
        ("network", f"{status['net']}{_why(status['refused'])}"),
        ("API", status["api"]),
        ("DNS", f"{status['dns']}; inside the cluster {_at(addresses['dns'], 53)}"),
        ("services", f"{addresses['services']}{_seen_from_host(addresses)}"),
        ("pods", addresses["pods"]),
        ("nodes", ", ".join(f"{node['name']} {node['address']}" for node in status["nodes"])),
        ("running", f"{status['pods']} pods, {status['services']} Services"),
        ("kubeconfig", status["kubeconfig"]),
    ]
    width = max(len(key) for key, _ in rows)
    lines = [f"{key:<{width}}  {value}" for key, value in rows]
    return lines + [f"{'note':<{width}}  {note}" for note in status["notes"]]


def _at(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _why(refused: dict[str, str]) -> str:
    said = "; ".join(f"no {mode}: {reason}" for mode, reason in refused.items())
    return f" ({said})" if said else ""


def _seen_from_host(addresses: dict[str, Any]) -> str:
    return f"; from the host {addresses['mirror']}" if addresses["mirror"] else ""


def _duration(seconds: float) -> str:
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
