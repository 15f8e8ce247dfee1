"""``netemu proxy``."""

from pathlib import Path

import click

from netemu.cli.instance import asked, home_of, name_option
from netemu.config.settings import ProxyMode


@click.group()
def command() -> None:
    """The service proxy."""


@command.command()
@name_option
@click.argument("mode", type=click.Choice([str(each) for each in ProxyMode]), required=False)
def mode(name: str, state_dir: Path | None, mode: str | None) -> None:
    """Print who carries Services' traffic, or change it: userspace, nftables, auto.

    Connections that exist stay as they are.
    """
    told = asked(home_of(name, state_dir), "proxy-mode", mode=mode or "")
    click.echo(told["mode"])
