"""``netemu version``."""

import platform

import click

import netemu
from netemu.cli.instance import output_option, print_json


@click.command()
@output_option
def command(output: str) -> None:
    """Print the version of netemu, and of the Kubernetes API it serves."""
    from netemu.config.version import KUBERNETES

    facts = {
        "netemu": netemu.__version__,
        "kubernetes": KUBERNETES,
        "python": platform.python_version(),
    }
    if output == "json":
        print_json(facts)
    else:
        click.echo(f"netemu {netemu.__version__} (Kubernetes API {KUBERNETES})")
