"""``netemu version``."""

import platform
from pathlib import Path

import click

import netemu
from netemu.cli.instance import home_of, name_option, output_option, print_json
from netemu.config.version import KUBERNETES


@click.command()
@name_option
@output_option
def command(name: str, state_dir: Path | None, output: str) -> None:
    """Print the version of netemu, of the Kubernetes API it serves, and of a running daemon."""
    facts = {
        "netemu": netemu.__version__,
        "kubernetes": KUBERNETES,
        "python": platform.python_version(),
        "daemon": (home_of(name, state_dir).facts() or {}).get("version"),
    }
    if output == "json":
        print_json(facts)
        return
    click.echo(f"netemu {netemu.__version__} (Kubernetes API {KUBERNETES})")
    if facts["daemon"] not in (None, netemu.__version__):
        click.echo(f'instance "{name}" runs {facts["daemon"]}')
