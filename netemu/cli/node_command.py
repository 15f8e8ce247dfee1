"""``netemu node``."""

import time
from pathlib import Path

import click

from netemu.cli.instance import Failure, asked, home_of, name_option

POLL_SECONDS = 0.2
_DONE = {
    "stop": "stopped",
    "start": "started",
    "cut": "cut off",
    "heal": "healed",
}
_HELP = {
    "stop": "End everything on NODE at once, as if its power had failed.",
    "start": "Bring a stopped NODE back; its pods' containers start anew.",
    "cut": "Take NODE off the network; what runs there goes on, unheard.",
    "heal": "Put NODE back on the network.",
}


@click.group()
def command() -> None:
    """Add nodes, and let happen to them what happens to nodes."""


@command.command(help="Add a node; it comes back at the next start, too.")
@name_option
def add(name: str, state_dir: Path | None) -> None:
    """One node more."""
    told = asked(home_of(name, state_dir), "node", do="add")
    click.echo(f"node/{told['name']} added")


def _action(what: str) -> click.Command:
    @click.command(name=what, help=_HELP[what])
    @name_option
    @click.argument("node")
    def act(name: str, state_dir: Path | None, node: str) -> None:
        asked(home_of(name, state_dir), "node", do=what, name=node)
        click.echo(f"node/{node} {_DONE[what]}")

    return act


for _what in _DONE:
    command.add_command(_action(_what))


@command.command()
@name_option
@click.option(
    "--timeout",
    type=click.FloatRange(min=0),
    default=60.0,
    show_default=True,
    help="Seconds until it gives up.",
)
@click.argument("node")
def drain(name: str, state_dir: Path | None, timeout: float, node: str) -> None:
    """Cordon NODE and evict its pods, as their budgets allow."""
    home = home_of(name, state_dir)
    end = time.monotonic() + timeout
    while True:
        told = asked(home, "node", do="drain", name=node)
        for pod in told["evicted"]:
            click.echo(f"evicted {pod}")
        if not told["left"]:
            click.echo(f"node/{node} drained")
            return
        if time.monotonic() >= end:
            said = "; ".join(f"{pod}: {why}" for pod, why in told["blocked"].items())
            raise Failure(f"{len(told['left'])} pods are still on {node}. {said}".strip())
        time.sleep(POLL_SECONDS)
