"""``netemu shell``."""

import os
from pathlib import Path

import click

from netemu.cli.exec_command import run_inside
from netemu.cli.instance import home_of, name_option


@click.command()
@name_option
@click.option("--from", "place", default="", metavar="PLACE", help="Stand at a place, as for exec.")
def command(name: str, state_dir: Path | None, place: str) -> None:
    """Open $SHELL inside the cluster's network; NETEMU_INSIDE says where one is."""
    os.environ["NETEMU_INSIDE"] = f"{name}:{place or 'cluster'}"
    run_inside(home_of(name, state_dir), place, [os.environ.get("SHELL") or "/bin/sh"])
